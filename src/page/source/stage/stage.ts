// The frame and the animals over it: two canvases, zoom and pan, and what a pointer does. It changes nothing by itself: it
// says what was clicked and where nodes were dragged to.

import type { Size, View } from "../core/view";
import { fit, keepInSight, toImage, toScreen, zoomAt } from "../core/view";
import type { Picture } from "../player/cache";
import { drawFigures, drawHatching, drawTrail, type Figure, findHit, type Options } from "./draw";

export interface Scenery extends Options {
  figures: readonly Figure[];
  trails: readonly { places: readonly ([number, number] | null)[]; color: string }[];
  /** Nodes that are being placed one by one. */
  placing: Figure | null;
  /** Name of the node that the next click places; null: none. */
  next: string | null;
  /** Words beside places of the image. */
  texts?: readonly { at: [number, number]; text: string }[];
}

export interface StageEvents {
  pick: (figure: number | null, node: number, isMore: boolean) => void;
  /** Nodes of an animal were dragged. */
  drag: (figure: number, points: Map<number, [number, number]>) => void;
  /** A click in the image while nodes are placed. */
  place: (x: number, y: number) => void;
  /** A right click: on a node, or beside all. */
  context: (figure: number | null, node: number) => void;
  double: (figure: number | null) => void;
  /** A frame was dragged open: animals or nodes inside are meant. */
  lasso: (box: { left: number; top: number; right: number; bottom: number }) => void;
  /** A click beside all animals. */
  empty?: (x: number, y: number) => void;
}

interface Drag {
  kind: "pan" | "nodes" | "lasso";
  x: number;
  y: number;
  figure: number;
  nodes: number[];
  hasMoved: boolean;
  at: [number, number];
}

/** Less is a click. */
const CLICK_PX = 3;
const NOTHING: Scenery = {
  figures: [],
  trails: [],
  edges: [],
  showEdges: true,
  showNames: true,
  placing: null,
  next: null,
};

export class Stage {
  readonly element: HTMLDivElement;
  view: View = { scale: 1, x: 0, y: 0 };
  private readonly pictureCanvas = document.createElement("canvas");
  private readonly overlayCanvas = document.createElement("canvas");
  private scenery = NOTHING;
  private picture: Picture | null = null;
  private failure: string | null = null;
  private drag: Drag | null = null;
  private pointer: [number, number] | null = null;
  private isFitted = true;
  private isDirty = { picture: true, overlay: true };
  private frame = 0;
  private readonly observer: ResizeObserver;
  /** Drawn while nodes are dragged, in place of the animal. */
  private moved: { figure: number; points: Float32Array } | null = null;
  filter = "";

  constructor(
    private image: Size,
    private readonly events: StageEvents,
  ) {
    this.element = document.createElement("div");
    this.element.className = "stage-canvases";
    this.element.append(this.pictureCanvas, this.overlayCanvas);
    this.pictureCanvas.dataset.layer = "picture";
    this.overlayCanvas.dataset.layer = "overlay";
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.element);
    const overlay = this.overlayCanvas;
    overlay.addEventListener("pointerdown", (event) => this.down(event));
    overlay.addEventListener("pointermove", (event) => this.move(event));
    overlay.addEventListener("pointerup", (event) => this.up(event));
    overlay.addEventListener("pointercancel", () => this.cancel());
    overlay.addEventListener("pointerleave", () => {
      this.pointer = null;
      this.redraw();
    });
    overlay.addEventListener("contextmenu", (event) => event.preventDefault());
    overlay.addEventListener("dblclick", (event) => this.events.double(this.hit(event)?.figure ?? null));
    overlay.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
  }

  get size(): Size {
    return { width: this.element.clientWidth, height: this.element.clientHeight };
  }

  get isDragging(): boolean {
    return this.drag !== null && this.drag.kind === "nodes";
  }

  setImage(image: Size): void {
    this.image = image;
    if (this.isFitted) this.fit();
  }

  show(picture: Picture | null, failure: string | null): void {
    // Until the next picture is there the last stays: nothing flickers.
    if (!picture && !failure) return;
    this.picture = picture;
    this.failure = failure;
    this.isDirty.picture = true;
    this.schedule();
  }

  dress(scenery: Scenery): void {
    this.scenery = scenery;
    this.redraw();
  }

  setView(view: View): void {
    this.isFitted = false;
    this.apply(view);
  }

  fit(): void {
    this.isFitted = true;
    this.apply(fit(this.image, this.size));
  }

  close(): void {
    this.observer.disconnect();
    cancelAnimationFrame(this.frame);
  }

  /** Ends a drag as if it had never begun; tells whether there was one. */
  cancel(): boolean {
    const had = this.drag !== null;
    this.drag = null;
    this.moved = null;
    this.redraw();
    return had;
  }

  private apply(view: View): void {
    this.view = view;
    this.isDirty.picture = true;
    this.redraw();
  }

  private redraw(): void {
    this.isDirty.overlay = true;
    this.schedule();
  }

  private schedule(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  private resize(): void {
    const { width, height } = this.size;
    const ratio = window.devicePixelRatio || 1;
    for (const canvas of [this.pictureCanvas, this.overlayCanvas]) {
      canvas.width = Math.max(1, Math.round(width * ratio));
      canvas.height = Math.max(1, Math.round(height * ratio));
    }
    if (this.isFitted) this.view = fit(this.image, this.size);
    this.isDirty.picture = true;
    this.isDirty.overlay = true;
    this.draw();
  }

  private draw(): void {
    if (this.isDirty.picture) this.drawPicture();
    if (this.isDirty.overlay) this.drawOverlay();
    this.isDirty = { picture: false, overlay: false };
  }

  private drawPicture(): void {
    const context = this.pictureCanvas.getContext("2d", { alpha: false })!;
    const ratio = window.devicePixelRatio || 1;
    const { width, height } = this.size;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.filter = "none";
    context.fillStyle = "#16181b";
    context.fillRect(0, 0, width, height);
    this.pictureCanvas.dataset.frame = this.picture ? String(this.picture.frame) : "";
    this.pictureCanvas.dataset.from = this.picture?.from ?? "";
    const { scale, x, y } = this.view;
    const own = {
      left: x - scale / 2,
      top: y - scale / 2,
      width: this.image.width * scale,
      height: this.image.height * scale,
    };
    if (this.picture && isOpen(this.picture)) {
      context.imageSmoothingEnabled = scale * ratio < 3;
      context.imageSmoothingQuality = "high";
      context.filter = this.filter || "none";
      context.drawImage(this.picture.image, own.left, own.top, own.width, own.height);
      context.filter = "none";
    } else if (this.failure) {
      context.save();
      context.beginPath();
      context.rect(own.left, own.top, own.width, own.height);
      context.clip();
      context.translate(own.left, own.top);
      drawHatching(context, own.width, own.height, this.failure);
      context.restore();
    }
  }

  private drawOverlay(): void {
    const context = this.overlayCanvas.getContext("2d")!;
    const ratio = window.devicePixelRatio || 1;
    const { width, height } = this.size;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const { scenery, view } = this;
    for (const trail of scenery.trails) drawTrail(context, view, trail.places, trail.color);
    const figures = scenery.figures.map((figure, place) =>
      this.moved?.figure === place ? { ...figure, points: this.moved.points } : figure,
    );
    drawFigures(context, view, scenery.placing ? [...figures, scenery.placing] : figures, scenery);
    if (this.drag?.kind === "lasso" && this.drag.hasMoved) this.drawLasso(context);
    for (const { at, text } of scenery.texts ?? []) this.drawText(context, text, toScreen(view, ...at));
    if (scenery.next !== null && this.pointer) this.drawText(context, scenery.next, this.pointer);
    this.overlayCanvas.style.cursor =
      scenery.next !== null ? "crosshair" : this.drag?.kind === "pan" ? "grabbing" : "default";
  }

  private drawLasso(context: CanvasRenderingContext2D): void {
    const { x, y, at } = this.drag!;
    context.strokeStyle = "#ffffff";
    context.lineWidth = 1;
    context.setLineDash([4, 3]);
    context.strokeRect(Math.min(x, at[0]), Math.min(y, at[1]), Math.abs(at[0] - x), Math.abs(at[1] - y));
    context.setLineDash([]);
  }

  private drawText(context: CanvasRenderingContext2D, text: string, [x, y]: [number, number]): void {
    context.font = "12px system-ui, sans-serif";
    context.textAlign = "left";
    context.textBaseline = "middle";
    context.lineWidth = 3;
    context.strokeStyle = "rgba(10, 11, 13, 0.85)";
    context.fillStyle = "#ffffff";
    context.strokeText(text, x + 14, y + 12);
    context.fillText(text, x + 14, y + 12);
  }

  private where(event: MouseEvent): [number, number] {
    const box = this.overlayCanvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  private hit(event: MouseEvent): ReturnType<typeof findHit> {
    return findHit(
      this.view,
      this.scenery.figures,
      this.scenery.showEdges ? this.scenery.edges : [],
      ...this.where(event),
    );
  }

  private down(event: PointerEvent): void {
    const [x, y] = this.where(event);
    (document.activeElement as HTMLElement | null)?.blur?.();
    this.overlayCanvas.setPointerCapture(event.pointerId);
    const base = { x, y, figure: -1, nodes: [], hasMoved: false, at: [x, y] as [number, number] };
    if (event.button === 1) {
      event.preventDefault();
      this.drag = { ...base, kind: "pan" };
      return;
    }
    const hit = this.hit(event);
    if (event.button === 2) {
      this.events.context(hit?.figure ?? null, hit?.node ?? -1);
      return;
    }
    if (event.button !== 0) return;
    if (this.scenery.next !== null) {
      this.events.place(...toImage(this.view, x, y));
      return;
    }
    if (!hit) {
      this.drag = { ...base, kind: event.shiftKey ? "lasso" : "pan" };
      return;
    }
    const figure = this.scenery.figures[hit.figure]!;
    this.events.pick(hit.figure, hit.node, event.shiftKey || event.ctrlKey);
    const all = Array.from({ length: figure.points.length / 2 }, (_, node) => node);
    const chosen = figure.selectedNodes ?? new Set<number>();
    const nodes =
      event.altKey || hit.node < 0 ? all : chosen.has(hit.node) && chosen.size > 1 ? [...chosen] : [hit.node];
    this.drag = { ...base, kind: "nodes", figure: hit.figure, nodes };
  }

  private move(event: PointerEvent): void {
    const [x, y] = this.where(event);
    this.pointer = [x, y];
    const { drag } = this;
    if (!drag) {
      if (this.scenery.next !== null) this.redraw();
      return;
    }
    if (!drag.hasMoved && Math.hypot(x - drag.x, y - drag.y) < CLICK_PX) return;
    drag.hasMoved = true;
    if (drag.kind === "pan") {
      const view = { ...this.view, x: this.view.x + x - drag.at[0], y: this.view.y + y - drag.at[1] };
      this.setView(keepInSight(view, this.image, this.size));
    } else if (drag.kind === "nodes") this.dragNodes(drag, x, y);
    drag.at = [x, y];
    this.redraw();
  }

  private dragNodes(drag: Drag, x: number, y: number): void {
    const figure = this.scenery.figures[drag.figure];
    if (!figure) return;
    const points = figure.points.slice();
    const dx = (x - drag.x) / this.view.scale;
    const dy = (y - drag.y) / this.view.scale;
    for (const node of drag.nodes) {
      points[2 * node]! += dx;
      points[2 * node + 1]! += dy;
    }
    this.moved = { figure: drag.figure, points };
  }

  private up(event: PointerEvent): void {
    const { drag, moved } = this;
    this.drag = null;
    this.moved = null;
    if (!drag) return;
    if (drag.kind === "nodes" && drag.hasMoved && moved) {
      const points = new Map<number, [number, number]>();
      for (const node of drag.nodes) {
        const [px, py] = [moved.points[2 * node]!, moved.points[2 * node + 1]!];
        if (!Number.isNaN(px)) points.set(node, [px, py]);
      }
      this.events.drag(drag.figure, points);
    } else if (drag.kind === "lasso" && drag.hasMoved) {
      const [x0, y0] = toImage(this.view, drag.x, drag.y);
      const [x1, y1] = toImage(this.view, ...drag.at);
      this.events.lasso({
        left: Math.min(x0, x1),
        right: Math.max(x0, x1),
        top: Math.min(y0, y1),
        bottom: Math.max(y0, y1),
      });
    } else if (!drag.hasMoved && drag.kind !== "nodes") {
      if (this.events.empty) this.events.empty(...toImage(this.view, drag.x, drag.y));
      else this.events.pick(null, -1, event.shiftKey);
    }
    this.redraw();
  }

  private wheel(event: WheelEvent): void {
    event.preventDefault();
    const [x, y] = this.where(event);
    const steps = event.deltaY * (event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1);
    if (event.altKey) {
      this.turn(event, steps / 400);
      return;
    }
    this.setView(keepInSight(zoomAt(this.view, Math.exp(-steps / 500), x, y), this.image, this.size));
  }

  /** Turns the animal under the pointer about its middle. */
  private turn(event: WheelEvent, angle: number): void {
    const place = this.hit(event)?.figure ?? this.scenery.figures.findIndex((figure) => figure.isSelected);
    const figure = this.scenery.figures[place];
    if (!figure) return;
    const points = new Map<number, [number, number]>();
    let [cx, cy, seen] = [0, 0, 0];
    for (let node = 0; node < figure.points.length / 2; node++) {
      if (Number.isNaN(figure.points[2 * node]!)) continue;
      cx += figure.points[2 * node]!;
      cy += figure.points[2 * node + 1]!;
      seen++;
    }
    for (let node = 0; node < figure.points.length / 2; node++) {
      const [dx, dy] = [figure.points[2 * node]! - cx / seen, figure.points[2 * node + 1]! - cy / seen];
      if (Number.isNaN(dx)) continue;
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      points.set(node, [cx / seen + dx * cos - dy * sin, cy / seen + dx * sin + dy * cos]);
    }
    this.events.drag(place, points);
  }
}

/** A player that is closed takes its pictures along. */
function isOpen({ image }: Picture): boolean {
  return ("codedWidth" in image ? image.codedWidth : image.width) > 0;
}
