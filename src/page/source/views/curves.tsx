// Curves over epochs, drawn on a canvas: losses on a logarithmic scale, everything else as it is.

import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

const COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

export interface Series {
  name: string;
  values: (number | null)[];
}

/** Limits of an axis, and the numbers that stand at it. */
export function axisOf(values: number[], isLog: boolean): { low: number; high: number; ticks: number[] } {
  let [low, high] = [Math.min(...values), Math.max(...values)];
  if (!Number.isFinite(low)) return { low: 0, high: 1, ticks: [0, 1] };
  if (isLog) {
    const ticks: number[] = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
      for (const step of [1, 2, 5]) {
        const tick = step * 10 ** power;
        if (tick >= low * 0.98 && tick <= high * 1.02) ticks.push(tick);
      }
    const thin =
      ticks.length > 5
        ? ticks.filter((tick) =>
            String(tick)
              .replace(/[0.e+-]/g, "")
              .startsWith("1"),
          )
        : ticks;
    return { low, high: high === low ? low * 1.1 : high, ticks: thin.length > 1 ? thin : ticks };
  }
  if (high === low) [low, high] = [low - 0.5, high + 0.5];
  const raw = (high - low) / 4;
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((one) => one * unit).find((one) => one >= raw)!;
  const ticks: number[] = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high + 1e-12; tick += step)
    ticks.push(Number(tick.toPrecision(12)));
  return { low, high, ticks };
}

export function Curves(props: {
  epochs: (number | null)[];
  series: Series[];
  best: number | null;
  title: string;
  isLog: boolean;
}): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const element = canvas.current!;
    const draw = (): void => drawCurves(element, props);
    const observer = new ResizeObserver(draw);
    observer.observe(element);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", draw);
    return () => {
      observer.disconnect();
      scheme.removeEventListener("change", draw);
    };
  }, [props.epochs, props.series, props.best]);
  return (
    <figure class="curves">
      <figcaption>
        {props.title}
        {props.series.map((one, at) => (
          <span key={one.name} class="legend">
            <i style={{ backgroundColor: COLORS[at % COLORS.length] }} />
            {one.name} <b>{last(one.values)}</b>
          </span>
        ))}
      </figcaption>
      <canvas ref={canvas} />
    </figure>
  );
}

function last(values: (number | null)[]): string {
  const own = values.findLast((one) => one !== null);
  return own === undefined || own === null ? "" : String(Number(own.toPrecision(3)));
}

function drawCurves(canvas: HTMLCanvasElement, { epochs, series, best, isLog }: Parameters<typeof Curves>[0]): void {
  const ratio = devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d")!;
  const style = getComputedStyle(canvas);
  const soft = style.getPropertyValue("--soft").trim();
  const line = style.getPropertyValue("--line").trim();
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const values = series
    .flatMap((one) => one.values)
    .filter((one): one is number => one !== null && Number.isFinite(one) && (!isLog || one > 0));
  const { low, high, ticks } = axisOf(values, isLog);
  const known = epochs.filter((one): one is number => one !== null);
  const [first, end] = known.length ? [Math.min(...known), Math.max(...known)] : [0, 1];
  const scale = isLog ? Math.log10 : (value: number): number => value;
  const x = (epoch: number): number => 44 + ((epoch - first) / (end - first || 1)) * (width - 54);
  const y = (value: number): number =>
    height - 20 - ((scale(value) - scale(low)) / (scale(high) - scale(low) || 1)) * (height - 30);
  context.font = "11px system-ui, sans-serif";
  context.fillStyle = soft;
  context.textAlign = "right";
  context.textBaseline = "middle";
  context.strokeStyle = line;
  for (const tick of ticks) {
    context.fillText(String(tick), 38, y(tick));
    context.beginPath();
    context.moveTo(44, Math.round(y(tick)) + 0.5);
    context.lineTo(width - 8, Math.round(y(tick)) + 0.5);
    context.stroke();
  }
  context.textAlign = "center";
  for (const epoch of new Set([first, Math.round((first + end) / 2), end]))
    context.fillText(String(epoch), x(epoch), height - 8);
  if (best !== null) {
    context.strokeStyle = soft;
    context.setLineDash([3, 3]);
    context.beginPath();
    context.moveTo(x(best), 6);
    context.lineTo(x(best), height - 20);
    context.stroke();
    context.setLineDash([]);
  }
  series.forEach((one, at) => {
    context.strokeStyle = COLORS[at % COLORS.length]!;
    context.lineWidth = 1.75;
    context.beginPath();
    let isDown = false;
    one.values.forEach((value, place) => {
      const epoch = epochs[place];
      if (value === null || epoch === null || epoch === undefined || (isLog && value <= 0)) {
        isDown = false;
        return;
      }
      if (isDown) context.lineTo(x(epoch), y(value));
      else context.moveTo(x(epoch), y(value));
      isDown = true;
    });
    context.stroke();
  });
}
