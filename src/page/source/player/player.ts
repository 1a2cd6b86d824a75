// Which frame is shown. It knows no canvas: it says what picture there is of the frame, and when that changes.

import { effect, type Signal, signal } from "@preact/signals";
import type { VideoFacts } from "../../types";
import { type Picture, PictureCache } from "./cache";
import { PacketSource } from "./packets";
import { type Size, StillSource } from "./stills";

export const SPEEDS = [0.25, 0.5, 1, 2, 4, 8] as const;
const MEMORY_BYTES = 420e6;
/** So long one rests on a frame until its full still is asked for, ms. */
const REST_MS = 120;
/** Moves of at most so many frames are steps; a drag along the bar jumps farther. */
const STEP_FRAMES = 10;
const AGAIN_MS = 1500;

export type FrameState = "waiting" | "shown" | "failed";

export interface PlayerOptions {
  frame: number;
  /** Stills only, as for labeling: each pixel is as our own reader gives it. */
  stills: boolean;
}

export class Player {
  readonly frame: Signal<number>;
  readonly playing = signal(false);
  readonly speed = signal<number>(1);
  /** Frames [first, last] that are played again and again; null: all. */
  readonly loop = signal<[number, number] | null>(null);
  /** Raised whenever there is another picture of the frame that is shown. */
  readonly shown = signal(0);
  readonly state = signal<FrameState>("waiting");
  readonly fault = signal("");
  /** Why packets are not used, where they are not. */
  readonly note = signal("");

  private readonly cache: PictureCache;
  private readonly packets: PacketSource | null;
  private readonly stills: StillSource;
  private readonly failed = new Map<number, string>();
  private direction: 1 | -1 = 1;
  private isStepping = false;
  private rest = 0;
  private restTimer: ReturnType<typeof setTimeout> | undefined;
  private clock = 0;
  private owed = 0;
  private stop: () => void;
  private isClosed = false;

  constructor(
    readonly video: VideoFacts,
    options: PlayerOptions,
  ) {
    this.frame = signal(this.clamp(options.frame));
    const bytes = Math.max(1.5 * video.width * video.height, 1);
    const budget = Math.max(Math.floor(MEMORY_BYTES / bytes / 2), 8);
    this.cache = new PictureCache(MEMORY_BYTES);
    this.stills = new StillSource(video, {
      picture: (frame, size, image) => this.takeStill(frame, size, image),
      failed: (frame, reason, isForGood) => this.takeFault(frame, reason, isForGood),
    });
    this.packets = options.stills
      ? null
      : new PacketSource(video, Math.min(budget, 300), {
          picture: (frame, image) => {
            const old = this.cache.get(frame);
            if (old?.from === "full") image.close();
            else this.cache.put({ frame, from: "packets", image, bytes }, this.frame.value);
            if (frame === this.frame.value) this.changed();
          },
          fetched: () => this.want(),
          failed: (from, to, reason) => {
            this.note.value = `stills: ${reason}`;
            if (this.frame.value >= from && this.frame.value < to) this.want();
          },
        });
    this.stop = effect(() => {
      if (this.playing.value) this.run();
    });
    this.moved();
  }

  get frames(): number {
    return this.video.frames;
  }

  get fps(): number {
    return this.video.fps || 25;
  }

  picture(): Picture | null {
    const own = this.cache.get(this.frame.peek());
    if (own) this.cache.hold(own);
    return own;
  }

  /** Goes to a frame; stops playing. */
  seek(frame: number): void {
    this.playing.value = false;
    this.go(frame);
  }

  step(by: number): void {
    const loop = this.loop.peek();
    const next = this.clamp(this.frame.peek() + by);
    if (loop && (next < loop[0] || next > loop[1])) this.loop.value = null;
    this.seek(next);
  }

  toggle(): void {
    if (!this.playing.peek() && this.frame.peek() >= this.frames - 1) this.go(0);
    this.playing.value = !this.playing.peek();
  }

  faster(by: 1 | -1): void {
    const place = SPEEDS.indexOf(this.speed.peek() as (typeof SPEEDS)[number]);
    this.speed.value = SPEEDS[Math.min(Math.max(place + by, 0), SPEEDS.length - 1)]!;
  }

  close(): void {
    this.isClosed = true;
    this.stop();
    clearTimeout(this.restTimer);
    this.playing.value = false;
    this.packets?.close();
    this.stills.close();
    this.cache.clear();
  }

  private clamp(frame: number): number {
    return Math.min(Math.max(Math.round(frame) || 0, 0), Math.max(this.frames - 1, 0));
  }

  private go(frame: number): void {
    const next = this.clamp(frame);
    if (next === this.frame.peek()) return;
    this.direction = next > this.frame.peek() ? 1 : -1;
    this.isStepping = Math.abs(next - this.frame.peek()) <= STEP_FRAMES;
    this.frame.value = next;
    this.moved();
  }

  private moved(): void {
    this.rest = performance.now();
    this.changed();
    this.want();
    clearTimeout(this.restTimer);
    this.restTimer = setTimeout(() => this.want(), REST_MS + 10);
  }

  private changed(): void {
    const frame = this.frame.peek();
    const fault = this.failed.get(frame);
    this.state.value = this.cache.get(frame) ? "shown" : fault !== undefined ? "failed" : "waiting";
    this.fault.value = fault ?? "";
    this.shown.value++;
  }

  /** Asks for what is missing here and near. */
  private want(): void {
    if (this.isClosed) return;
    const frame = this.frame.peek();
    const own = this.cache.get(frame);
    const isAtRest = !this.playing.peek() && performance.now() - this.rest >= REST_MS;
    const wishes: { frame: number; size: Size }[] = [];
    const byPackets = this.packets?.serves(frame) ?? false;
    if (!this.failed.has(frame)) {
      if (!own && (!this.playing.peek() || !byPackets))
        wishes.push({ frame, size: isAtRest || (!byPackets && this.packets === null) ? "full" : "half" });
      else if (own?.from === "half" && isAtRest) wishes.push({ frame, size: "full" });
    }
    if (!byPackets) {
      const ahead = this.playing.peek() ? 8 : isAtRest ? 2 : 0;
      const by = this.playing.peek() ? Math.max(1, Math.round(this.speed.peek())) : this.direction;
      for (let step = 1; step <= ahead; step++) {
        const next = frame + step * by;
        if (next >= 0 && next < this.frames && !this.cache.get(next) && !this.failed.has(next))
          wishes.push({ frame: next, size: this.playing.peek() ? "half" : "full" });
      }
    }
    this.stills.ask(wishes);
    this.wantPackets(frame, own, isAtRest || this.isStepping || this.playing.peek());
  }

  /** @param stays whether one goes on from here; while one drags along the bar, stills answer sooner than a run could. */
  private wantPackets(frame: number, own: Picture | null, stays: boolean): void {
    const { packets } = this;
    if (!packets) return;
    if (!own || (own.from !== "packets" && stays && !this.isNear(frame))) {
      if (stays || packets.headOf(frame)) void packets.ask(frame, this.direction);
      return;
    }
    if (!stays) return;
    const margin = 60;
    for (const next of [frame + margin, frame - margin / 2]) {
      const near = Math.min(Math.max(next, 0), this.frames - 1);
      if (!this.cache.get(near) && packets.serves(near)) {
        void packets.ask(near, next > frame ? 1 : -1);
        return;
      }
    }
  }

  /** Whether the next frame either way is there at its full size. */
  private isNear(frame: number): boolean {
    return [1, -1].every((by) => {
      const beside = this.cache.get(frame + by);
      return frame + by < 0 || frame + by >= this.frames || (beside !== null && beside.from !== "half");
    });
  }

  private takeStill(frame: number, size: Size, image: ImageBitmap): void {
    const old = this.cache.get(frame);
    if (size === "half" && old) image.close();
    else this.cache.put({ frame, from: size, image, bytes: 4 * image.width * image.height }, this.frame.peek());
    if (frame === this.frame.peek()) {
      this.changed();
      this.want();
    }
  }

  private takeFault(frame: number, reason: string, isForGood: boolean): void {
    if (isForGood) this.failed.set(frame, reason);
    else setTimeout(() => this.frame.peek() === frame && this.want(), AGAIN_MS);
    if (frame === this.frame.peek()) {
      this.changed();
      this.fault.value = reason;
    }
  }

  /** Shows frames at their times; where the next picture is not there yet, the clock stands still. */
  private run(): void {
    this.clock = performance.now();
    this.owed = 0;
    const tick = (now: number): void => {
      if (!this.playing.peek() || this.isClosed) return;
      requestAnimationFrame(tick);
      const passed = Math.min(now - this.clock, 250);
      this.clock = now;
      this.owed += (passed / 1000) * this.fps * this.speed.peek();
      const whole = Math.floor(this.owed);
      if (whole < 1) return;
      const frame = this.frame.peek();
      const loop = this.loop.peek();
      let next = frame + whole;
      if (loop && next > loop[1]) next = loop[0];
      if (next >= this.frames) next = this.frames - 1;
      if (!this.cache.get(next) && !this.failed.has(next)) {
        // the nearest before it that is there
        let near = next;
        while (near > frame && !this.cache.get(near)) near--;
        if (near === frame) {
          this.owed = Math.min(this.owed, 1);
          this.askAhead(next);
          return;
        }
        next = near;
      }
      this.owed -= whole;
      if (next === frame) {
        this.playing.value = false;
        this.moved();
        return;
      }
      this.direction = 1;
      this.frame.value = next;
      this.changed();
      this.askAhead(next);
    };
    requestAnimationFrame(tick);
  }

  private askAhead(next: number): void {
    const { packets } = this;
    const ahead = Math.min(next + 60, this.frames - 1);
    if (packets?.serves(next) && !this.cache.get(next)) void packets.ask(next, 1);
    else if (packets?.serves(ahead) && !this.cache.get(ahead)) void packets.ask(ahead, 1);
    if (!packets?.serves(next)) this.want();
  }
}
