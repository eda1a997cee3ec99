import { useEffect, useRef } from "preact/hooks";
import UPlot from "uplot";
import { usd } from "../parts/number.ts";
import type { Forecast, Point } from "./forecast.ts";
import { theme } from "./theme.ts";

const HEIGHT = 170;

type Props = { points: readonly Point[]; budgetUsd: number | null; expected: Forecast | null };

/** The spend as a line, the forecast as a broken one, the budget as a level one. */
export function SpendChart({ points, budgetUsd, expected }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);
  const data = dataOf(points, budgetUsd, expected);
  const latest = useRef(data);
  latest.current = data;
  useEffect(() => {
    const element = box.current!;
    const make = () => {
      plot.current?.destroy();
      plot.current = new UPlot(optionsFor(element), latest.current, element);
    };
    make();
    const observer = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", make);
    return () => {
      observer.disconnect();
      dark.removeEventListener("change", make);
      plot.current?.destroy();
      plot.current = null;
    };
  }, [theme.value]);
  useEffect(() => plot.current?.setData(data));
  return (
    <figure class="chart">
      <div ref={box} class="chart-box" role="img" aria-label={describe(points, budgetUsd, expected)} />
      <figcaption class="legend quietly">
        <span class="legend-spend" /> spent
        {expected && (
          <>
            <span class="legend-forecast" /> forecast
          </>
        )}
        {budgetUsd !== null && (
          <>
            <span class="legend-budget" /> budget
          </>
        )}
      </figcaption>
    </figure>
  );
}

/** The columns of the chart: time in seconds, spend, forecast, budget. */
function dataOf(points: readonly Point[], budgetUsd: number | null, expected: Forecast | null): UPlot.AlignedData {
  const last = points.at(-1)!;
  const end = expected?.endsAt ?? null;
  const at = [...points.map((point) => point.at / 1000), ...(end === null ? [] : [end / 1000])];
  const spent: (number | null)[] = [...points.map((point) => point.usd), ...(end === null ? [] : [null])];
  const ahead: (number | null)[] = at.map(() => null);
  if (end !== null) {
    ahead[points.length - 1] = last.usd;
    ahead[points.length] = expected!.totalUsd;
  }
  return [at, spent, ahead, at.map(() => budgetUsd)];
}

function describe(points: readonly Point[], budgetUsd: number | null, expected: Forecast | null): string {
  const budget = budgetUsd === null ? "" : `, of a budget of ${usd(budgetUsd)}`;
  const ahead = expected === null ? "" : `; ${usd(expected.totalUsd)} to be expected`;
  return `Spend over time: ${usd(points.at(-1)!.usd)} so far${budget}${ahead}.`;
}

function optionsFor(element: HTMLElement): UPlot.Options {
  const colour = (name: string) => colourOf(element, name);
  const axis = {
    stroke: colour("--chart-ink"),
    grid: { stroke: colour("--chart-line"), width: 1 },
    ticks: { show: false },
    font: "12px system-ui",
  };
  const line = { points: { show: false } };
  return {
    width: Math.max(200, element.clientWidth),
    height: HEIGHT,
    padding: [8, 12, 0, 0],
    cursor: { show: false },
    legend: { show: false },
    scales: { y: { range: (_plot, _least, most) => [0, Math.max(0.01, most * 1.1)] } },
    axes: [
      { ...axis, space: 70, size: 28, values: (_plot, times) => times.map(hourAndMinute) },
      { ...axis, size: 56, values: (_plot, sums) => sums.map((sum) => `$${Number(sum.toFixed(2))}`) },
    ],
    series: [
      {},
      {
        ...line,
        stroke: colour("--chart-spend"),
        width: 2,
        paths: UPlot.paths.stepped!({ align: 1 }),
        fill: colour("--chart-fill"),
      },
      { ...line, stroke: colour("--chart-spend"), width: 2, dash: [4, 5], spanGaps: true },
      { ...line, stroke: colour("--chart-budget"), width: 1.5, dash: [10, 5] },
    ],
  };
}

/** A colour of the style sheet as a canvas takes it: what it is in these colours of the page, light or dark. */
function colourOf(element: HTMLElement, name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

const hourAndMinute = (seconds: number) =>
  new Date(seconds * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
