// The seek bar: a lane an animal, over the time that is shown. Names are its colors; gaps, frames that cannot be decoded,
// review items and edits are marked; a click goes there, the wheel zooms from days to frames.

import type { Lanes as LaneFacts } from "../../types";
import { lookOfPlace, UNNAMED } from "../core/palette";
import { follow, type SpanView, tickStep, whole, within, zoom } from "../core/span";
import { clock } from "../core/text";

const LEFT = 92;
const TOP = 22;
const BOTTOM = 14;
const LANE = 15;
const MOST_HEIGHT = 190;

export interface LanesEvents {
  seek: (frame: number, isOver: boolean) => void;
  /** Other frames are shown, for which lanes may be asked. */
  viewed: (view: SpanView, width: number) => void;
  item: (id: string) => void;
}

export class Lanes {
  readonly element = document.createElement("div");
  private readonly canvas = document.createElement("canvas");
  private facts: LaneFacts | null = null;
  private marks: { frame: number; stop: number }[] = [];
  private frameNow = 0;
  private range: [number | null, number | null] = [null, null];
  private loop: [number, number] | null = null;
  private item: string | null = null;
  private note = "";
  private view: SpanView;
  private drag: "seek" | "pan" | null = null;
  private dragX = 0;
  private waiting = 0;
  private readonly observer: ResizeObserver;
  private hasBeenZoomed = false;

  constructor(
    private readonly total: number,
    private readonly fps: number,
    private readonly events: LanesEvents,
  ) {
    this.view = whole(total);
    this.element.className = "lanes";
    this.element.tabIndex = -1;
    this.element.append(this.canvas);
    this.canvas.dataset.layer = "lanes";
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.element);
    this.canvas.addEventListener("pointerdown", (event) => this.down(event));
    this.canvas.addEventListener("pointermove", (event) => this.move(event));
    this.canvas.addEventListener("pointerup", () => this.release());
    this.canvas.addEventListener("pointercancel", () => this.release());
    this.canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.canvas.addEventListener("dblclick", () => this.show(whole(total)));
  }

  /** What the server says of the frames, and of what is not there yet. */
  fill(facts: LaneFacts | null, note = ""): void {
    if (facts) this.facts = facts;
    this.note = note;
    this.fitHeight();
    this.redraw();
  }

  /** Edits that the server's lanes may not have yet. */
  mark(marks: { frame: number; stop: number }[]): void {
    this.marks = marks;
    this.redraw();
  }

  place(
    frame: number,
    range: [number | null, number | null],
    loop: [number, number] | null,
    item: string | null,
  ): void {
    const hasMoved = frame !== this.frameNow;
    this.frameNow = frame;
    this.range = range;
    this.loop = loop;
    this.item = item;
    if (hasMoved && this.drag === null && this.hasBeenZoomed) {
      const next = follow(this.view, frame, this.total);
      if (next !== this.view) this.show(next);
    }
    this.redraw();
  }

  /** Shows a frame and what is near it, if the view is wider than that. */
  zoomTo(frame: number, frames: number): void {
    if (this.view.frames > frames) this.show(within({ from: frame - frames / 2, frames }, this.total));
  }

  show(view: SpanView): void {
    this.view = view;
    this.hasBeenZoomed = view.frames < this.total;
    this.events.viewed(view, this.width);
    this.redraw();
  }

  close(): void {
    this.observer.disconnect();
    cancelAnimationFrame(this.waiting);
  }

  get width(): number {
    return Math.max(this.element.clientWidth - LEFT - 8, 1);
  }

  private laneHeight(): number {
    const count = this.facts?.lanes.length ?? 0;
    return Math.max(Math.min(LANE, (MOST_HEIGHT - TOP - BOTTOM) / Math.max(count, 1)), 4);
  }

  private fitHeight(): void {
    const count = Math.max(this.facts?.lanes.length ?? 0, 2);
    const height = Math.round(TOP + BOTTOM + count * this.laneHeight());
    if (this.element.style.height !== `${height}px`) this.element.style.height = `${height}px`;
  }

  private resize(): void {
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.max(1, Math.round(this.element.clientWidth * ratio));
    this.canvas.height = Math.max(1, Math.round(this.element.clientHeight * ratio));
    this.events.viewed(this.view, this.width);
    this.draw();
  }

  private redraw(): void {
    this.waiting ||= requestAnimationFrame(() => {
      this.waiting = 0;
      this.draw();
    });
  }

  private x(frame: number): number {
    return LEFT + ((frame - this.view.from) / this.view.frames) * this.width;
  }

  private frameAt(x: number): number {
    const frame = this.view.from + ((x - LEFT) / this.width) * this.view.frames;
    return Math.min(Math.max(Math.floor(frame), 0), this.total - 1);
  }

  private draw(): void {
    const context = this.canvas.getContext("2d")!;
    const ratio = window.devicePixelRatio || 1;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const { clientWidth: width, clientHeight: height } = this.element;
    const style = getComputedStyle(this.element);
    const ink = style.getPropertyValue("--ink").trim() || "#22262b";
    const soft = style.getPropertyValue("--soft").trim() || "#5a626c";
    const line = style.getPropertyValue("--line").trim() || "#dfe3e8";
    context.clearRect(0, 0, width, height);
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "middle";
    this.drawAxis(context, soft, line, height);
    context.save();
    context.beginPath();
    context.rect(LEFT, 0, this.width, height);
    context.clip();
    this.drawShades(context, height, line);
    this.drawRuns(context, line);
    this.drawMarks(context, height, ink);
    context.restore();
    this.drawNames(context, ink, soft);
    this.drawNow(context, ink, height);
    if (this.note) {
      context.fillStyle = soft;
      context.textAlign = "center";
      context.fillText(this.note, LEFT + this.width / 2, height / 2);
    }
  }

  private drawAxis(context: CanvasRenderingContext2D, soft: string, line: string, height: number): void {
    const seconds = this.view.frames / this.fps;
    const step = tickStep(seconds, this.width / 90);
    const digits = step < 0.1 ? 2 : step < 1 ? 1 : 0;
    context.fillStyle = soft;
    context.strokeStyle = line;
    context.textAlign = "left";
    context.lineWidth = 1;
    const first = Math.ceil(this.view.from / this.fps / step) * step;
    for (let at = first; at <= (this.view.from + this.view.frames) / this.fps; at += step) {
      const x = Math.round(this.x(at * this.fps)) + 0.5;
      context.beginPath();
      context.moveTo(x, TOP - 8);
      context.lineTo(x, height - BOTTOM);
      context.stroke();
      const text = clock(at, digits);
      if (x + 3 + context.measureText(text).width <= LEFT + this.width) context.fillText(text, x + 3, 7); // or it is cut
    }
  }

  private drawShades(context: CanvasRenderingContext2D, height: number, line: string): void {
    const shade = (from: number, to: number, color: string): void => {
      context.fillStyle = color;
      context.fillRect(this.x(from), TOP - 2, Math.max(this.x(to) - this.x(from), 1), height - TOP - BOTTOM + 4);
    };
    for (const { start, stop } of this.facts?.failed ?? []) {
      context.save();
      context.beginPath();
      context.rect(this.x(start), TOP, Math.max(this.x(stop) - this.x(start), 1), height - TOP - BOTTOM);
      context.clip();
      context.strokeStyle = line;
      context.lineWidth = 3;
      for (let x = this.x(start) - height; x < this.x(stop); x += 9) {
        context.beginPath();
        context.moveTo(x, height);
        context.lineTo(x + height, 0);
        context.stroke();
      }
      context.restore();
    }
    if (this.loop) shade(this.loop[0], this.loop[1] + 1, "rgba(86, 180, 233, 0.18)");
    const [begin, end] = this.range;
    if (begin !== null || end !== null) {
      const [a, b] = [begin ?? end!, end ?? this.frameNow];
      shade(Math.min(a, b), Math.max(a, b) + 1, "rgba(230, 159, 0, 0.28)");
    }
  }

  private drawRuns(context: CanvasRenderingContext2D, line: string): void {
    const { facts } = this;
    if (!facts) return;
    const height = this.laneHeight();
    const hasNames = facts.lanes.some((lane) => lane.kind === "name");
    facts.lanes.forEach((lane, row) => {
      const y = TOP + row * height;
      const look =
        lane.kind === "name" ? lookOfPlace(Math.max(lane.index, 0)) : hasNames ? null : lookOfPlace(lane.track ?? row);
      context.fillStyle = line;
      context.fillRect(LEFT, y + height / 2, this.width, 1);
      context.fillStyle = look?.color ?? UNNAMED;
      for (const run of lane.runs) {
        const x = this.x(run.start);
        const end = this.x(run.stop);
        if (end < LEFT || x > LEFT + this.width) continue;
        const weight = Math.max(0.25, run.coverage);
        const thick = Math.max((height - 4) * (run.count > 1 ? weight : 1), 2);
        context.globalAlpha = run.score !== null && run.score < 0.99 ? 0.6 : 1;
        const inset = run.count === 1 && end - x > 4 ? 0.5 : 0;
        context.fillRect(x + inset, y + (height - thick) / 2, Math.max(end - x - 2 * inset, 1), thick);
      }
      context.globalAlpha = 1;
      if (look?.dashed) this.dash(context, lane.runs, y, height);
    });
  }

  /** From the seventh animal on, notches tell lanes of the same color apart. */
  private dash(
    context: CanvasRenderingContext2D,
    runs: readonly { start: number; stop: number }[],
    y: number,
    height: number,
  ): void {
    context.fillStyle = "rgba(0, 0, 0, 0.35)";
    for (const run of runs)
      for (let x = this.x(run.start) + 6; x < this.x(run.stop) - 4; x += 10) context.fillRect(x, y + 2, 3, height - 4);
  }

  private drawMarks(context: CanvasRenderingContext2D, height: number, ink: string): void {
    for (const item of this.facts?.items ?? []) {
      const x = this.x(item.frame + 0.5);
      context.fillStyle = item.id === this.item ? ink : "#d55e00";
      const size = item.id === this.item ? 6 : 4;
      context.beginPath();
      context.moveTo(x - size, TOP - 4 - size * 1.4);
      context.lineTo(x + size, TOP - 4 - size * 1.4);
      context.lineTo(x, TOP - 3);
      context.fill();
    }
    const y = height - BOTTOM / 2;
    context.strokeStyle = ink;
    context.lineWidth = 1.5;
    for (const mark of [...(this.facts?.edits ?? []), ...this.marks]) {
      const x = this.x(mark.frame + 0.5);
      context.beginPath();
      context.arc(x, y, 3, 0, 2 * Math.PI);
      context.stroke();
      if (mark.stop - mark.frame > 1) {
        context.beginPath();
        context.moveTo(x + 3, y);
        context.lineTo(Math.max(this.x(mark.stop), x + 3), y);
        context.stroke();
      }
    }
  }

  private drawNames(context: CanvasRenderingContext2D, ink: string, soft: string): void {
    const height = this.laneHeight();
    if (height < 9) return;
    context.textAlign = "right";
    this.facts?.lanes.forEach((lane, row) => {
      context.fillStyle = lane.kind === "name" ? ink : soft;
      const text = lane.kind === "name" ? lane.name : lane.name.replace("_", " ");
      context.fillText(shorten(context, text, LEFT - 14), LEFT - 8, TOP + (row + 0.5) * height);
    });
    if (this.facts?.more_tracks) {
      context.fillStyle = soft;
      context.fillText(`+ ${this.facts.more_tracks} tracks`, LEFT - 8, this.element.clientHeight - BOTTOM / 2);
    }
  }

  private drawNow(context: CanvasRenderingContext2D, ink: string, height: number): void {
    const x = this.x(this.frameNow);
    const width = this.width / this.view.frames;
    if (x + width < LEFT || x > LEFT + this.width) return;
    context.fillStyle = ink;
    if (width > 3) {
      context.globalAlpha = 0.16;
      context.fillRect(x, TOP - 4, width, height - TOP - BOTTOM + 8);
      context.globalAlpha = 1;
    }
    context.fillRect(Math.round(x + width / 2) - 1, 14, 2, height - 14);
  }

  private down(event: PointerEvent): void {
    const box = this.canvas.getBoundingClientRect();
    const x = event.clientX - box.left;
    const y = event.clientY - box.top;
    this.canvas.setPointerCapture(event.pointerId);
    this.dragX = x;
    if (event.button === 1 || event.shiftKey) {
      this.drag = "pan";
      return;
    }
    if (y < TOP && y > 8) {
      const near = (this.facts?.items ?? [])
        .map((item) => ({ item, far: Math.abs(this.x(item.frame + 0.5) - x) }))
        .sort((a, b) => a.far - b.far)[0];
      if (near && near.far < 7) {
        this.events.item(near.item.id);
        return;
      }
    }
    this.drag = "seek";
    this.events.seek(this.frameAt(x), false);
  }

  private move(event: PointerEvent): void {
    if (!this.drag) return;
    const x = event.clientX - this.canvas.getBoundingClientRect().left;
    if (this.drag === "seek") this.events.seek(this.frameAt(x), false);
    else
      this.show(
        within({ ...this.view, from: this.view.from - ((x - this.dragX) / this.width) * this.view.frames }, this.total),
      );
    this.dragX = x;
  }

  private release(): void {
    if (this.drag === "seek") this.events.seek(this.frameNow, true);
    this.drag = null;
  }

  private wheel(event: WheelEvent): void {
    event.preventDefault();
    const x = event.clientX - this.canvas.getBoundingClientRect().left;
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      this.show(
        within({ ...this.view, from: this.view.from + (event.deltaX / this.width) * this.view.frames }, this.total),
      );
      return;
    }
    const about = this.view.from + ((Math.max(x, LEFT) - LEFT) / this.width) * this.view.frames;
    this.show(zoom(this.view, Math.exp(event.deltaY / 400), about, this.total));
  }
}

function shorten(context: CanvasRenderingContext2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text;
  let short = text;
  while (short.length > 1 && context.measureText(`${short}…`).width > width) short = short.slice(0, -1);
  return `${short}…`;
}
