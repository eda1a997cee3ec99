import { computed, useSignalEffect } from "@preact/signals";
import { Command } from "./parts/copy.tsx";
import { ConfirmDialog } from "./parts/dialog.tsx";
import { goTo } from "./parts/go-to.ts";
import { Events } from "./sections/events.tsx";
import { Graph } from "./sections/graph.tsx";
import { KeysDialog } from "./sections/keys.tsx";
import { LandedPart } from "./sections/landed.tsx";
import { Logs } from "./sections/logs.tsx";
import { AwayBanner, Masthead, Summary } from "./sections/masthead.tsx";
import { NeedsYou } from "./sections/needs-you.tsx";
import { Notices } from "./sections/notices.tsx";
import { Ships } from "./sections/ships.tsx";
import { Spend } from "./sections/spend.tsx";
import { NoVoyage, VoyagesDialog } from "./sections/voyages.tsx";
import { current, head, isGone, isLive, link, needsYou, voyages } from "./state/store.ts";

/** The page: what needs the captain comes first, what one looks at now and then comes last. */
export function App() {
  useSignalEffect(() => {
    const name = head.value?.stack ?? "ocaptain";
    document.title = needsYou.value > 0 ? `(${needsYou.value}) ${name}` : name;
  });
  const isStale = !isLive.value && link.value.state !== "connecting";
  return (
    <>
      <button type="button" class="skip" onClick={() => goTo("needs-you")}>
        Skip to what needs you
      </button>
      <Masthead />
      <AwayBanner />
      <main class={isStale ? "stale" : ""}>
        <Content />
      </main>
      <Notices />
      <VoyagesDialog />
      <KeysDialog />
      <ConfirmDialog />
    </>
  );
}

/** Whether anything is known of the voyage. The frame depends on no more, lest it is drawn with each change. */
const isRead = computed(() => head.value !== null);

function Content() {
  if (voyages.value?.length === 0) return <NoVoyage />;
  if (isGone.value)
    return (
      <div class="no-voyage">
        <h1>This voyage is not there any more</h1>
        <p>Its folder was moved or deleted. Choose another one above, or list them:</p>
        <Command text="ocaptain ls --all" />
      </div>
    );
  if (current.value === null || !isRead.value)
    return (
      <p class="loading" role="status">
        {link.value.state === "signed-out" ? "Sign in anew with the address that ocaptain dashboard prints." : "Asking the helm."}
      </p>
    );
  return (
    <>
      <Summary />
      <div class="columns">
        <div class="column">
          <NeedsYou />
          <Ships />
          <Graph />
        </div>
        <div class="column">
          <Spend />
          <Logs />
          <Events />
          <LandedPart />
        </div>
      </div>
    </>
  );
}
