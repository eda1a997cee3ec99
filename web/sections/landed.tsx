import type { LandedPull } from "../../lib/watch/view.ts";
import { Icon } from "../parts/icon.tsx";
import { head } from "../state/store.ts";
import { Section } from "./section.tsx";

/** The pull requests of the voyage, as the forge has last told of them. The section is there when there are some. */
export function LandedPart() {
  const landed = head.value?.landed ?? [];
  if (landed.length === 0) return null;
  return (
    <Section id="landed" title="Landed" count={landed.length}>
      <ul class="landed">
        {landed.map((pull) => (
          <Pull key={pull.number} pull={pull} />
        ))}
      </ul>
    </Section>
  );
}

function Pull({ pull }: { pull: LandedPull }) {
  const { number, link, branch, base, state, isDraft, mergeable, approvedBy, changesBy, openComments, checks, asOf } = pull;
  const words = [
    state === "unknown" ? "not asked yet: ocaptain land status" : isDraft && state === "open" ? "draft" : state,
    mergeable === false && state === "open" && `conflicts with ${base}`,
    approvedBy.length > 0 && `approved by ${approvedBy.join(", ")}`,
    changesBy.length > 0 && `${changesBy.join(", ")} asked for changes`,
    openComments > 0 && `${openComments} open ${openComments === 1 ? "remark" : "remarks"}`,
  ].filter(Boolean);
  return (
    <li>
      <Linked text={`Pull request ${number}`} link={link} />{" "}
      <span class="quietly" title={asOf ? `As of ${asOf}` : undefined}>
        {branch} → {base} · {words.join(" · ")}
      </span>
      {checks.length > 0 && (
        <ul class="checks" aria-label={`Checks of pull request ${number}`}>
          {checks.map((check) => (
            <li key={check.name}>
              <Icon shape={SHAPES[check.state]} size={14} /> <Linked text={check.name} link={check.link} />{" "}
              <span class="quietly">{[check.state, check.summary].filter(Boolean).join(": ")}</span>
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}

const SHAPES = { success: "accepted", failure: "lost", pending: "working", neutral: "pending" } as const;

/** Only an address of the forge's own comes as a link (lib/watch/landed.ts): what a forge says is another's text. */
function Linked({ text, link }: { text: string; link: string | null }) {
  if (link === null) return <>{text}</>;
  return (
    <a href={link} rel="noreferrer noopener" target="_blank">
      {text}
    </a>
  );
}
