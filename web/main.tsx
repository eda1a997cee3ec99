import { render } from "preact";
import { App } from "./app.tsx";
import { startKeys } from "./sections/keys.tsx";
import { startClock } from "./state/clock.ts";
import { startStore } from "./state/store.ts";

startClock();
startStore();
startKeys();
render(<App />, document.getElementById("page") as HTMLElement);
