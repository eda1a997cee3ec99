import type { ComponentChildren } from "preact";

/** A section of the page, with its heading, a number beside it, and what belongs at its right. */
export function Section(props: {
  id: string;
  title: string;
  count?: string | number | undefined;
  aside?: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <section id={props.id} class={`panel panel-${props.id}`} aria-labelledby={`${props.id}-title`}>
      <header class="panel-head">
        <h2 id={`${props.id}-title`} tabIndex={-1}>
          {props.title}
          {props.count !== undefined && <span class="count">{props.count}</span>}
        </h2>
        {props.aside && <div class="panel-aside">{props.aside}</div>}
      </header>
      {props.children}
    </section>
  );
}

/** What a section says when it has nothing to show: why, and what would change that. */
export const Empty = ({ children }: { children: ComponentChildren }) => <p class="empty">{children}</p>;
