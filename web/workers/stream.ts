import { Hub, type Told } from "../state/hub.ts";

/** The shared worker: it has the one stream of all tabs. A tab says which voyage it shows, and when it leaves. */
export type Asked = { show: string | null } | { leave: true };

const hub = new Hub();
const scope = globalThis as unknown as { onconnect: (event: MessageEvent) => void };
scope.onconnect = (event) => {
  const port = event.ports[0]!;
  const tell = (told: Told) => port.postMessage(told);
  port.onmessage = ({ data }: MessageEvent<Asked>) => {
    if ("leave" in data) hub.leave(tell);
    else hub.show(tell, data.show);
  };
};
