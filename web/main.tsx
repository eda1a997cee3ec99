import { render } from "preact";
import type { PageError, PageVoyage } from "../lib/watch/page-api.ts";

/** The page before anything else of it is there: a row a voyage. */
async function start(): Promise<void> {
  const response = await fetch("/api/voyages");
  const body = (await response.json()) as { voyages: PageVoyage[] } | PageError;
  const voyages = "voyages" in body ? body.voyages : [];
  render(
    <main>
      <h1>ocaptain</h1>
      {"error" in body && <p>{body.message}</p>}
      <ul>
        {voyages.map(({ id, stack, state }) => (
          <li key={id}>
            {stack}: {state}
          </li>
        ))}
      </ul>
    </main>,
    document.getElementById("page") as HTMLElement,
  );
}

void start();
