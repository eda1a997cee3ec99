import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { sizeFor } from "../graph/layout.ts";
import { FOLD, type Graph, type Layout, reached } from "../graph/shape.ts";
import { Icon, shapeOf } from "../parts/icon.tsx";
import { counted } from "../parts/number.ts";
import { inWords, toneOf } from "../parts/state.tsx";
import { tasks } from "../state/store.ts";
import { chosenShip, chosenTask } from "./graph-choice.ts";

const MOST_ZOOM = 1.6;
const LEAST_ZOOM = 0.04;
const STEP = 1.25;
/** Below this zoom nobody reads the words of a node: it shows its shape and colour alone. */
const WORDLESS = 0.55;
const MARGIN = 16;
/** A graph of so few nodes is shown so that its words can be read, even where it is then wider than the frame. */
const FEW = 60;
const READABLE = 0.85;
/** Larger ones begin at a zoom that shows many tasks, and is not less than this. */
const HALF = 0.6;
const MOST_HEIGHT = 500;
const LEAST_HEIGHT = 160;

type Props = {
  graph: Graph;
  layout: Layout;
  critical: readonly string[];
  /** The tasks that a search has found; null where nothing is searched. */
  found: ReadonlySet<string> | null;
  onUnfold: () => void;
};

/**
 * The graph in a frame that scrolls as the browser scrolls, and can be dragged. Nodes are buttons; the arrow keys go
 * along the edges and up and down.
 */
export function GraphFrame({ graph, layout, critical, found, onUnfold }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const zoom = useSignal(1);
  /** How the zoom follows the frame's size; null when the captain has zoomed. */
  const fit = useSignal<"readable" | "whole" | null>("readable");
  const size = sizeFor(graph.nodes.length);
  const setZoom = (next: number, keepX = 0.5, keepY = 0.5) => {
    const box = frame.current!;
    const bounded = Math.min(MOST_ZOOM, Math.max(LEAST_ZOOM, next));
    const [x, y] = [box.clientWidth * keepX, box.clientHeight * keepY];
    const [atX, atY] = [(box.scrollLeft + x) / zoom.value, (box.scrollTop + y) / zoom.value];
    zoom.value = bounded;
    requestAnimationFrame(() => box.scrollTo(atX * bounded - x, atY * bounded - y));
  };
  const fitIn = (how: "readable" | "whole") => {
    const box = frame.current;
    if (!box || layout.width === 0) return;
    const [roomX, roomY] = [box.clientWidth - 2 * MARGIN, MOST_HEIGHT - 3 * MARGIN];
    const whole = Math.min(roomX / layout.width, roomY / layout.height);
    const readable = graph.nodes.length <= FEW ? READABLE : Math.min(READABLE, Math.max(HALF, roomY / layout.height));
    zoom.value = Math.min(1, Math.max(LEAST_ZOOM, how === "whole" ? whole : Math.max(whole, readable)));
    fit.value = how;
    const next = layout.at.get(critical[0] ?? "");
    // Where not all of it fits, what is done lies at the left of what is seen.
    if (next) requestAnimationFrame(() => box.scrollTo((next[0] - 60) * zoom.value, next[1] * zoom.value - box.clientHeight / 2));
  };
  useLayoutEffect(() => {
    if (fit.value) fitIn(fit.value);
  }, [layout]);
  useEffect(() => {
    const box = frame.current!;
    const observer = new ResizeObserver(() => fit.value && fitIn(fit.value));
    observer.observe(box);
    // A handler that may keep the page from zooming cannot be passive, which is what a plain one would be.
    const wheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      fit.value = null;
      const at = box.getBoundingClientRect();
      setZoom(
        zoom.value * Math.exp(-event.deltaY / 300),
        (event.clientX - at.left) / at.width,
        (event.clientY - at.top) / at.height,
      );
    };
    box.addEventListener("wheel", wheel, { passive: false });
    return () => {
      observer.disconnect();
      box.removeEventListener("wheel", wheel);
    };
  }, [layout]);
  const chosen = chosenTask.value;
  useEffect(() => {
    if (chosen === null) return;
    const node = document.getElementById(`task-${chosen}`);
    node?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [chosen]);
  const near = useMemo(() => nearOf(graph, chosen), [graph, chosen]);
  const chain = useMemo(() => new Set(critical), [critical]);
  const paths = useMemo(() => pathsOf(layout, critical, chosen, near), [layout, critical, chosen, near]);
  const { width, height, at } = layout;
  const whole = { width: `${(width + 2 * MARGIN) * zoom.value}px`, height: `${(height + 2 * MARGIN) * zoom.value}px` };
  const tall = Math.min(MOST_HEIGHT, Math.max(LEAST_HEIGHT, (height + 3.5 * MARGIN) * zoom.value + MARGIN));
  const first = graph.nodes[0];
  const stop = chosen !== null && at.has(chosen) ? chosen : first;
  // The same nodes are the same objects, which are not compared again when only the zoom has changed.
  const nodes = useMemo(
    () =>
      graph.nodes.map((id) => {
        const [x, y] = at.get(id)!;
        const place = { transform: `translate(${x}px, ${y}px)`, width: `${size.width}px`, height: `${size.height}px` };
        return id === FOLD ? (
          <button
            key={FOLD}
            type="button"
            id="task-done"
            class="node node-fold tone-good"
            style={place}
            tabIndex={stop === FOLD ? 0 : -1}
            onClick={onUnfold}
          >
            <Icon shape="accepted" />
            <span class="node-words">
              <span class="node-subject">{counted(graph.folded, "task")} done</span>
              <span class="node-who">press to unfold</span>
            </span>
          </button>
        ) : (
          <TaskNode
            key={id}
            id={id}
            place={place}
            x={x}
            isCritical={chain.has(id)}
            isStop={stop === id}
            isNear={near.has(id)}
            isFound={found === null || found.has(id)}
            hidden={graph.hidden.get(id) ?? 0}
          />
        );
      }),
    [graph, layout, stop, chain, near, found],
  );
  return (
    <div class="graph">
      <div
        ref={frame}
        class={`graph-frame${zoom.value < WORDLESS ? " wordless" : ""}${found ? " searched" : ""}`}
        style={{ height: `${fit.value ? tall : MOST_HEIGHT}px` }}
        role="group"
        aria-label={`Graph of ${counted(graph.nodes.length, "node")}. Arrow keys go from task to task.`}
        onPointerDown={drag}
        onKeyDown={(event) => {
          if (event.key === "+" || event.key === "=") setZoom(zoom.value * STEP);
          else if (event.key === "-") setZoom(zoom.value / STEP);
          else if (event.key === "0") fitIn("whole");
          else if (event.key.startsWith("Arrow")) step(event, graph, layout);
          else return;
          if (/^[-+=]$/.test(event.key)) fit.value = null;
          event.preventDefault();
          event.stopPropagation();
        }}
      >
        <div class="graph-whole" style={whole}>
          <div class="graph-plane" style={{ transform: `scale(${zoom.value})`, width: `${width}px`, height: `${height}px` }}>
            <svg class="edges" width={width} height={height} aria-hidden="true">
              <path class="edge" d={paths.plain} />
              <path class="edge edge-critical" d={paths.critical} />
              <path class="edge edge-near" d={paths.near} />
            </svg>
            {nodes}
          </div>
        </div>
      </div>
      <div class="zoom" role="group" aria-label="Zoom">
        <button type="button" class="small" onClick={() => zoomBy(STEP)} aria-label="Zoom in">
          +
        </button>
        <button type="button" class="small" onClick={() => zoomBy(1 / STEP)} aria-label="Zoom out">
          −
        </button>
        <button type="button" class="small" onClick={() => fitIn("whole")} title="Show the whole graph">
          Fit
        </button>
      </div>
    </div>
  );

  function zoomBy(factor: number) {
    fit.value = null;
    setZoom(zoom.value * factor);
  }
}

type NodeProps = {
  id: string;
  place: { transform: string; width: string; height: string };
  x: number;
  isCritical: boolean;
  isStop: boolean;
  isNear: boolean;
  isFound: boolean;
  hidden: number;
};

function TaskNode({ id, place, isCritical, isStop, isNear, isFound, hidden }: NodeProps) {
  const row = tasks.row(id)?.value;
  if (!row) return null;
  const isAsking = row.question !== undefined;
  const word = isAsking ? "asks" : inWords(row.status);
  const isChosen = chosenTask.value === id;
  const isOfShip = chosenShip.value !== null && row.ship === chosenShip.value;
  const classes = [
    "node",
    `tone-${isAsking ? "warn" : toneOf(row.status)}`,
    `node-${row.status}`,
    isCritical && "node-critical",
    isNear && "node-near",
    isFound ? "node-found" : "node-lost",
    isOfShip && "node-of-ship",
  ];
  return (
    <button
      type="button"
      id={`task-${id}`}
      class={classes.filter(Boolean).join(" ")}
      style={place}
      tabIndex={isStop ? 0 : -1}
      aria-pressed={isChosen}
      title={`#${id} ${row.subject}\n${word}${row.ship ? `, ${row.ship}` : ""}${isCritical ? "\non the critical path" : ""}`}
      onClick={() => (chosenTask.value = isChosen ? null : id)}
    >
      <Icon shape={isAsking ? "question" : shapeOf(row.status)} />
      <span class="node-words">
        <span class="node-subject">
          <code>{id}</code> {row.subject}
        </span>
        <span class="node-who">
          {word}
          {row.ship && ` · ${row.ship}`}
          {row.tries > 1 && ` · try ${row.tries}`}
          {isCritical && <span class="unseen"> on the critical path</span>}
          {hidden > 0 && <strong> +{hidden}</strong>}
        </span>
      </span>
    </button>
  );
}

/** The tasks that the chosen one waits for, near and far, and those that wait for it. */
function nearOf({ edges }: Graph, chosen: string | null): Set<string> {
  if (chosen === null) return new Set();
  const [next, before] = [new Map<string, string[]>(), new Map<string, string[]>()];
  for (const [from, to] of edges) {
    next.set(from, [...(next.get(from) ?? []), to]);
    before.set(to, [...(before.get(to) ?? []), from]);
  }
  const near = reached(chosen, (id) => next.get(id) ?? []);
  for (const id of reached(chosen, (of) => before.get(of) ?? [])) near.add(id);
  return near.size > 0 ? near.add(chosen) : near;
}

/** All edges as three paths, whatever their number: the critical ones, those near the chosen task, and the others. */
function pathsOf({ paths }: Layout, critical: readonly string[], chosen: string | null, near: ReadonlySet<string>) {
  const onPath = new Set(critical.map((id, index) => `${critical[index - 1] ?? ""}>${id}`));
  const sorted = { plain: "", critical: "", near: "" };
  for (const { from, to, d } of paths) {
    if (chosen !== null && near.has(from) && near.has(to)) sorted.near += d;
    else if (onPath.has(`${from}>${to}`)) sorted.critical += d;
    else sorted.plain += d;
  }
  return sorted;
}

/** Drags what the frame shows, by a mouse; fingers scroll it as they scroll everything. */
function drag(event: PointerEvent): void {
  if (event.pointerType !== "mouse" || event.button !== 0 || (event.target as Element).closest("button")) return;
  const box = event.currentTarget as HTMLElement;
  const from = { x: event.clientX, y: event.clientY, left: box.scrollLeft, top: box.scrollTop };
  box.setPointerCapture(event.pointerId);
  const move = (moved: PointerEvent) => box.scrollTo(from.left - moved.clientX + from.x, from.top - moved.clientY + from.y);
  box.addEventListener("pointermove", move);
  box.addEventListener("lostpointercapture", () => box.removeEventListener("pointermove", move), { once: true });
}

/** Gives the focus to a neighbour: left and right along an edge, up and down to the nearest of the column. */
function step(event: KeyboardEvent, { edges }: Graph, { at }: Layout): void {
  const focused = document.activeElement?.id.replace(/^task-/, "") ?? "";
  const place = at.get(focused);
  if (!place) return;
  const candidates =
    event.key === "ArrowLeft"
      ? edges.filter(([, to]) => to === focused).map(([from]) => from)
      : event.key === "ArrowRight"
        ? edges.filter(([from]) => from === focused).map(([, to]) => to)
        : [...at].filter(([, [, y]]) => (event.key === "ArrowUp" ? y < place[1] - 1 : y > place[1] + 1)).map(([id]) => id);
  const far = (id: string) => Math.abs(at.get(id)![0] - place[0]) * 4 + Math.abs(at.get(id)![1] - place[1]);
  const next = candidates.sort((a, b) => far(a) - far(b))[0];
  if (next !== undefined) document.getElementById(`task-${next}`)?.focus();
}
