import type { ComponentChildren, Ref } from "preact";

type Props = {
  class: string;
  label: string;
  children: ComponentChildren;
  frame?: Ref<HTMLElement>;
  onScroll?: (box: HTMLElement) => void;
};

/** A part of the page that scrolls by itself. It takes the focus, so that keys can scroll it. */
export const ScrollFrame = ({ class: name, label, children, frame, onScroll }: Props) => (
  <section
    class={name}
    aria-label={label}
    {...(frame && { ref: frame })}
    // biome-ignore lint/a11y/noNoninteractiveTabindex: without it no key would scroll what scrolls
    tabIndex={0}
    onScroll={(event) => onScroll?.(event.currentTarget)}
  >
    {children}
  </section>
);
