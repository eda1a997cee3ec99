import { head } from "../state/store.ts";
import { Section } from "./section.tsx";

/** What has landed of the voyage, where the helm tells of it: the pull request, and what its checks say. */
type Landed = { title: string; state: string; url?: string; checks?: string };

/** The section is there only when there is something to show. */
export function LandedPart() {
  const landed = (head.value as { landed?: Landed[] } | null)?.landed ?? [];
  if (landed.length === 0) return null;
  return (
    <Section id="landed" title="Landed" count={landed.length}>
      <ul class="landed">
        {landed.map(({ title, state, url, checks }) => (
          <li key={title}>
            {/* Only a web address becomes a link: what a forge says is another's text. */}
            {url?.startsWith("https://") ? (
              <a href={url} rel="noreferrer noopener" target="_blank">
                {title}
              </a>
            ) : (
              title
            )}{" "}
            <span class="quietly">
              {state}
              {checks && ` · ${checks}`}
            </span>
          </li>
        ))}
      </ul>
    </Section>
  );
}
