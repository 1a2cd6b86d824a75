// Draws animals over a frame, in screen pixels at any zoom. Each line has a dark rim, each node a light one inside it, so
// that both are seen on dark and on bright pictures.

import type { Look } from "../core/palette";
import { toScreen, type View } from "../core/view";

export const NODE_PX = 4;
export const HIT_PX = 10;
export const LINE_PX = 2;
const DARK = "rgba(10, 11, 13, 0.8)";
const LIGHT = "rgba(255, 255, 255, 0.9)";
const LOW_SCORE = 0.4;

/** An animal as it is drawn. */
export interface Figure {
  /** (x, y) of each node in px of the image, NaN where it is not seen. */
  points: Float32Array;
  look: Look;
  label: string;
  scores?: Float32Array | undefined;
  /** 1 of nodes that a person set. */
  edited?: Uint8Array | undefined;
  /** 0 of nodes that are placed, and hidden. */
  visible?: Uint8Array | undefined;
  isSelected?: boolean;
  selectedNodes?: ReadonlySet<number> | undefined;
  /** Taken out, or only predicted: it stands back. */
  isGhost?: boolean;
  /** Why one should look at it. */
  reason?: string | undefined;
}

export interface Options {
  edges: readonly (readonly [number, number])[];
  showEdges: boolean;
  showNames: boolean;
}

export type Context = Pick<
  CanvasRenderingContext2D,
  | "beginPath"
  | "moveTo"
  | "lineTo"
  | "stroke"
  | "fill"
  | "arc"
  | "setLineDash"
  | "fillText"
  | "strokeText"
  | "measureText"
  | "save"
  | "restore"
  | "fillRect"
  | "clearRect"
> & {
  strokeStyle: string | CanvasGradient | CanvasPattern;
  fillStyle: string | CanvasGradient | CanvasPattern;
  lineWidth: number;
  globalAlpha: number;
  font: string;
  textBaseline: CanvasTextBaseline;
  textAlign: CanvasTextAlign;
  lineCap: CanvasLineCap;
  lineJoin: CanvasLineJoin;
};

export function drawFigures(context: Context, view: View, figures: readonly Figure[], options: Options): void {
  context.lineCap = "round";
  context.lineJoin = "round";
  const ordered = [...figures].sort((a, b) => rank(a) - rank(b));
  for (const figure of ordered) {
    context.globalAlpha = figure.isGhost ? 0.4 : 1;
    if (options.showEdges) drawEdges(context, view, figure, options.edges);
    drawNodes(context, view, figure);
    context.globalAlpha = 1;
  }
  if (options.showNames) for (const figure of ordered) drawLabel(context, view, figure);
}

function rank(figure: Figure): number {
  return (figure.isSelected ? 2 : 0) + (figure.isGhost ? 0 : 1);
}

function drawEdges(context: Context, view: View, figure: Figure, edges: Options["edges"]): void {
  const lines = edges.flatMap(([a, b]) => {
    const from = at(figure, view, a);
    const to = at(figure, view, b);
    return from && to ? [[from, to] as const] : [];
  });
  const trace = (color: string, width: number): void => {
    context.strokeStyle = color;
    context.lineWidth = width;
    context.beginPath();
    for (const [from, to] of lines) {
      context.moveTo(from[0], from[1]);
      context.lineTo(to[0], to[1]);
    }
    context.stroke();
  };
  if (!lines.length) return;
  context.setLineDash([]);
  if (figure.isSelected) trace(LIGHT, LINE_PX + 4);
  trace(DARK, LINE_PX + 2);
  context.setLineDash(figure.isGhost ? [3, 4] : figure.look.dashed ? [7, 4] : []);
  trace(figure.look.color, LINE_PX);
  context.setLineDash([]);
}

function drawNodes(context: Context, view: View, figure: Figure): void {
  for (let node = 0; node < figure.points.length / 2; node++) {
    const place = at(figure, view, node);
    if (!place) continue;
    const isChosen = figure.selectedNodes?.has(node) ?? false;
    const radius = isChosen ? NODE_PX + 2 : NODE_PX;
    const circle = (size: number): void => {
      context.beginPath();
      context.arc(place[0], place[1], size, 0, 2 * Math.PI);
    };
    if (figure.isSelected || isChosen) {
      circle(radius + 2.5);
      context.fillStyle = LIGHT;
      context.fill();
    }
    circle(radius + 1);
    context.fillStyle = DARK;
    context.fill();
    circle(radius);
    const isHidden = figure.visible?.[node] === 0;
    const isLow = (figure.scores?.[node] ?? 1) < LOW_SCORE && !figure.edited?.[node];
    if (isHidden) {
      context.lineWidth = 1.75;
      context.strokeStyle = figure.look.color;
      context.stroke();
    } else {
      const before = context.globalAlpha;
      context.globalAlpha = isLow ? before * 0.55 : before;
      context.fillStyle = figure.look.color;
      context.fill();
      context.globalAlpha = before;
    }
    if (figure.edited?.[node]) {
      circle(radius + 3.5);
      context.lineWidth = 1.5;
      context.strokeStyle = LIGHT;
      context.stroke();
    }
  }
}

function drawLabel(context: Context, view: View, figure: Figure): void {
  const top = highest(figure, view);
  if (!top) return;
  const text = [figure.look.letter && `${figure.look.letter} ·`, figure.label, figure.reason && `— ${figure.reason}`]
    .filter(Boolean)
    .join(" ");
  if (!text) return;
  context.font = `${figure.isSelected ? "600 " : ""}12px system-ui, sans-serif`;
  context.textBaseline = "bottom";
  context.textAlign = "center";
  context.globalAlpha = figure.isGhost ? 0.6 : 1;
  context.lineWidth = 3;
  context.strokeStyle = DARK;
  context.strokeText(text, top[0], top[1] - 9);
  context.fillStyle = figure.isSelected ? "#ffffff" : figure.look.color;
  context.fillText(text, top[0], top[1] - 9);
  context.globalAlpha = 1;
}

function highest(figure: Figure, view: View): [number, number] | null {
  let top = Infinity;
  let sum = 0;
  let seen = 0;
  for (let node = 0; node < figure.points.length / 2; node++) {
    const place = at(figure, view, node);
    if (!place) continue;
    top = Math.min(top, place[1]);
    sum += place[0];
    seen++;
  }
  return seen ? [sum / seen, top] : null;
}

function at(figure: Figure, view: View, node: number): [number, number] | null {
  const x = figure.points[2 * node]!;
  const y = figure.points[2 * node + 1]!;
  return Number.isNaN(x) || Number.isNaN(y) ? null : toScreen(view, x, y);
}

/** Where animals have just been: paler the longer ago. */
export function drawTrail(
  context: Context,
  view: View,
  places: readonly ([number, number] | null)[],
  color: string,
): void {
  context.lineWidth = 1.5;
  context.strokeStyle = color;
  context.setLineDash([]);
  for (let one = 1; one < places.length; one++) {
    const from = places[one - 1];
    const to = places[one];
    if (!from || !to) continue;
    context.globalAlpha = 0.75 * (one / places.length);
    context.beginPath();
    context.moveTo(...toScreen(view, from[0], from[1]));
    context.lineTo(...toScreen(view, to[0], to[1]));
    context.stroke();
  }
  context.globalAlpha = 1;
}

/** A frame that cannot be decoded: hatched, not black, which might be a picture. */
export function drawHatching(context: Context, width: number, height: number, text: string): void {
  context.globalAlpha = 1;
  context.strokeStyle = "#33373d";
  context.lineWidth = 6;
  context.setLineDash([]);
  for (let x = -height; x < width; x += 28) {
    context.beginPath();
    context.moveTo(x, height);
    context.lineTo(x + height, 0);
    context.stroke();
  }
  context.fillStyle = "#d7dade";
  context.font = "13px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(text, width / 2, height / 2);
}

/** What lies under the pointer. */
export interface Hit {
  figure: number;
  /** -1: an edge. */
  node: number;
}

/** The nearest node within reach, else the nearest edge; those of selected animals first. */
export function findHit(
  view: View,
  figures: readonly Figure[],
  edges: Options["edges"],
  x: number,
  y: number,
): Hit | null {
  let best: (Hit & { distance: number }) | null = null;
  const offer = (hit: Hit, distance: number, reach: number): void => {
    const biased = distance - (figures[hit.figure]!.isSelected ? 3 : 0) + (hit.node < 0 ? 100 : 0);
    if (distance <= reach && (!best || biased < best.distance)) best = { ...hit, distance: biased };
  };
  figures.forEach((figure, place) => {
    if (figure.isGhost) return;
    for (let node = 0; node < figure.points.length / 2; node++) {
      const own = at(figure, view, node);
      if (own) offer({ figure: place, node }, Math.hypot(own[0] - x, own[1] - y), HIT_PX);
    }
    for (const [a, b] of edges) {
      const from = at(figure, view, a);
      const to = at(figure, view, b);
      if (from && to) offer({ figure: place, node: -1 }, distanceToLine(from, to, x, y), HIT_PX / 2);
    }
  });
  return best;
}

function distanceToLine(from: [number, number], to: [number, number], x: number, y: number): number {
  const dx = to[0] - from[0];
  const dy = to[1] - from[1];
  const length = dx * dx + dy * dy;
  const part = length ? Math.min(Math.max(((x - from[0]) * dx + (y - from[1]) * dy) / length, 0), 1) : 0;
  return Math.hypot(from[0] + part * dx - x, from[1] + part * dy - y);
}
