/**
 * The shapes of the page: each state has one of its own, so that it is known without its colour. All are drawn on a
 * grid of 16 by 16.
 */
const SHAPES = {
  working: <path d="M4.5 3v10l8-5z" />,
  idle: <circle cx="8" cy="8" r="4.6" fill="none" stroke="currentColor" stroke-width="1.8" />,
  asleep: <path d="M10.9 11.6A5.4 5.4 0 0 1 6.2 2.6a5.6 5.6 0 1 0 7 7.6 5.4 5.4 0 0 1-2.3 1.4z" />,
  "no-progress": (
    <path d="M4 2h8v1.6c0 1.9-1.3 3.3-2.8 4.4 1.5 1.1 2.8 2.5 2.8 4.4V14H4v-1.6c0-1.9 1.3-3.3 2.8-4.4C5.3 6.9 4 5.5 4 3.6z" />
  ),
  "no-signal": (
    <g fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round">
      <path d="M2.5 6.2a8 8 0 0 1 11 0M4.9 9a4.6 4.6 0 0 1 6.2 0" stroke-dasharray="2 2.6" />
      <path d="M8 12.2v.1" stroke-width="2.6" />
    </g>
  ),
  fenced: <path fill-rule="evenodd" d="M3 3h10v10H3zm1.7 2.7 5.6 5.6h1V10.3L5.7 4.7h-1z" />,
  lost: <path d="m4.3 3 3.7 3.7L11.7 3 13 4.3 9.3 8l3.7 3.7-1.3 1.3L8 9.3 4.3 13 3 11.7 6.7 8 3 4.3z" />,
  unfit: <path fill-rule="evenodd" d="M8 1.8 15 14H1zm-.8 4.4v3.9h1.6V6.2zm0 5v1.5h1.6v-1.5z" />,
  unknown: (
    <g fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round">
      <path d="M5.4 5.6a2.7 2.7 0 1 1 3.9 2.5C8.4 8.6 8 9 8 10" />
      <path d="M8 12.9v.1" stroke-width="2.2" />
    </g>
  ),
  pending: <circle cx="8" cy="8" r="4.8" fill="none" stroke="currentColor" stroke-width="1.6" stroke-dasharray="2.4 2.6" />,
  accepted: <path d="m6.5 12.6-4-4 1.4-1.4 2.6 2.6L12.1 4l1.4 1.4z" />,
  blocked: <path fill-rule="evenodd" d="M5.3 1.5h5.4l3.8 3.8v5.4l-3.8 3.8H5.3l-3.8-3.8V5.3zM4.6 7v2h6.8V7z" />,
  cancelled: <path d="M3 7.1h10v1.8H3z" />,
  question: (
    <path
      fill-rule="evenodd"
      d="M2 2.5h12v8.7H8.5L5 14v-2.8H2zm5.2 5.9h1.6v1.4H7.2zm1.6-1H7.2c0-1.5 1.7-1.7 1.7-2.7 0-.5-.4-.8-.9-.8s-1 .3-1 1H5.5C5.5 3.5 6.6 2.7 8 2.7s2.4.8 2.4 2c0 1.5-1.6 1.7-1.6 2.7z"
    />
  ),
  verified: (
    <path
      fill-rule="evenodd"
      d="M8 1.2 13.8 3v4.6c0 3.5-2.4 5.8-5.8 7.2-3.4-1.4-5.8-3.7-5.8-7.2V3zm-.9 9.6 4.4-4.4-1.2-1.2-3.2 3.2-1.5-1.5-1.2 1.2z"
    />
  ),
  paused: <path d="M4 3h3v10H4zm5 0h3v10H9z" />,
  theme: <path fill-rule="evenodd" d="M8 1.5a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13zm0 1.7v9.6a4.8 4.8 0 0 0 0-9.6z" />,
  anchor: (
    <g fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round">
      <circle cx="8" cy="3.4" r="1.5" />
      <path d="M8 5v9M5.3 7.2h5.4M2.6 9.6c.4 2.7 2.6 4.3 5.4 4.3s5-1.6 5.4-4.3" />
    </g>
  ),
  budget: (
    <path
      fill-rule="evenodd"
      d="M8 1.3a6.7 6.7 0 1 1 0 13.4A6.7 6.7 0 0 1 8 1.3zm-.7 1.9v1c-1.3.2-2 .9-2 1.9 0 2.6 3.9 1.5 3.9 2.8 0 .5-.5.7-1.2.7-.8 0-1.3-.3-1.4-1H5c.1 1.2.9 2 2.3 2.2v1h1.4v-1c1.3-.2 2.1-.9 2.1-2 0-2.7-3.9-1.6-3.9-2.8 0-.4.4-.7 1.1-.7s1.1.3 1.2.9h1.6c-.1-1.1-.8-1.8-2.1-2v-1z"
    />
  ),
} as const;

export type Shape = keyof typeof SHAPES;

export const Icon = ({ shape, size = 16 }: { shape: Shape; size?: number }) => (
  <svg class={`icon icon-${shape}`} viewBox="0 0 16 16" width={size} height={size} aria-hidden="true" focusable="false">
    {SHAPES[shape]}
  </svg>
);

/** The shape for a word of the helm; a word that this page does not know yet gets the one of "unknown". */
export const shapeOf = (word: string): Shape => (word in SHAPES ? (word as Shape) : (ALIASES[word] ?? "unknown"));

const ALIASES: Record<string, Shape> = {
  planning: "pending",
  sailing: "working",
  stalled: "no-progress",
  "needs-captain": "question",
  limited: "no-progress",
  verifying: "working",
  failed: "lost",
  done: "accepted",
  sunk: "anchor",
  claimed: "working",
  task: "blocked",
  helm: "no-signal",
  verification: "lost",
  ship: "unfit",
  sync: "no-signal",
  voyage: "unfit",
  landing: "question",
};
