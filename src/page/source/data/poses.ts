// Windows of poses, fetched where one is, and the claims that these do not hold yet laid over them.

import { effect, signal } from "@preact/signals";
import type { PosesHead, VideoFacts } from "../../types";
import { getBlocks, part, patiently, query, Unreachable } from "../api";
import type { Claim } from "../core/claims";
import { type Found, Overlay } from "../core/overlay";
import { type Animal, PoseWindow } from "../core/poses";
import { trouble, waiting } from "./outbox";

export const WINDOW_FRAMES = 250;
const KEPT = 24;

interface Kept {
  window: PoseWindow;
  /** Of the state of claims when it was asked for. */
  version: number;
}

export class PoseStore {
  /** Raised whenever other animals are to be shown. */
  readonly changed = signal(0);
  readonly fault = signal<string | null>(null);
  private readonly windows = new Map<number, Kept>();
  private readonly asked = new Map<number, AbortController>();
  /** Claims of this page and others that a window may lack, by when they were answered or came; null: not yet. */
  private late: { claim: Claim; version: number | null }[] = [];
  private readonly found = new Map<string, Found>();
  private version = 0;
  private overlays = new Map<number, Overlay>();
  private isClosed = false;

  constructor(
    readonly recording: string,
    readonly video: VideoFacts,
  ) {}

  /** Nodes as the tables have them; those of the first window that came. */
  get head(): PosesHead | null {
    const first = this.windows.values().next().value;
    return first?.window.head ?? null;
  }

  /** The animals of a frame, also those that a person took out; null while they are on their way. */
  at(frame: number): Animal[] | null {
    const place = Math.floor(frame / WINDOW_FRAMES);
    const kept = this.windows.get(place);
    if (!kept) return null;
    return this.overlay(kept.version).apply(frame, kept.window.at(frame), kept.window.head.nodes);
  }

  isFailed(frame: number): boolean {
    return this.windows.get(Math.floor(frame / WINDOW_FRAMES))?.window.failed.has(frame) ?? false;
  }

  isReviewed(frame: number): boolean {
    const kept = this.windows.get(Math.floor(frame / WINDOW_FRAMES));
    return kept ? kept.window.reviewed.has(frame) || this.overlay(kept.version).reviewed.has(frame) : false;
  }

  /** Sees to it that the window of a frame, and the next one, are there and up to date. */
  want(frame: number, direction: 1 | -1 = 1): void {
    const place = Math.floor(frame / WINDOW_FRAMES);
    void this.load(place);
    const within = frame - place * WINDOW_FRAMES;
    if (direction > 0 && within > WINDOW_FRAMES / 2) void this.load(place + 1);
    if (direction < 0 && within < WINDOW_FRAMES / 2) void this.load(place - 1);
    if (within < 30) void this.load(place - 1);
  }

  /** As `at`, after its window has come. */
  async read(frame: number): Promise<Animal[]> {
    await this.load(Math.floor(frame / WINDOW_FRAMES));
    return this.at(frame) ?? [];
  }

  /** A claim that is made here and now; the page knows what tracks it is about. */
  add(claims: readonly Claim[], found: ReadonlyMap<string, Found>): void {
    for (const claim of claims) {
      this.late.push({ claim, version: null });
      const own = found.get(claim.id);
      if (own) this.found.set(claim.id, own);
    }
    this.touch();
  }

  /** The server has claims, or somebody else's came: windows that are asked for from now on hold them. */
  settle(ids: readonly string[]): void {
    this.version++;
    for (const one of this.late) if (one.version === null && ids.includes(one.claim.id)) one.version = this.version;
    this.touch();
    this.refresh();
  }

  /** Tables were made anew, or claims changed elsewhere. */
  invalidate(): void {
    this.version++;
    this.touch();
    this.refresh();
  }

  /** After all windows that are shown have what the server knows now; at once while it does not answer. */
  async fresh(): Promise<void> {
    if (waiting.peek().length && trouble.peek() === null)
      await new Promise<void>((go) => {
        const stop = effect(() => {
          if (!waiting.value.length || trouble.value !== null) {
            queueMicrotask(() => stop());
            go();
          }
        });
      });
    await Promise.all(this.pending.values());
  }

  close(): void {
    this.isClosed = true;
    for (const abort of this.asked.values()) abort.abort();
  }

  private touch(): void {
    this.overlays = new Map();
    this.changed.value++;
  }

  private refresh(): void {
    // Windows that are far are asked for when one comes to them.
    for (const place of [...this.windows.keys()].slice(-2)) void this.load(place);
  }

  private overlay(version: number): Overlay {
    let own = this.overlays.get(version);
    if (!own) {
      const claims = this.late.filter((one) => one.version === null || one.version > version).map((one) => one.claim);
      own = new Overlay(claims, this.video.name, this.found);
      this.overlays.set(version, own);
    }
    return own;
  }

  private async load(place: number): Promise<void> {
    const begin = place * WINDOW_FRAMES;
    if (begin < 0 || begin >= this.video.frames || this.isClosed) return;
    const kept = this.windows.get(place);
    if (kept && kept.version === this.version) {
      this.windows.delete(place); // the last that was used stands last
      this.windows.set(place, kept);
      return;
    }
    if (this.asked.has(place)) return this.pending.get(place);
    const abort = new AbortController();
    const { version } = this;
    this.asked.set(place, abort);
    const work = this.fetch(place, begin, version, abort);
    this.pending.set(place, work);
    await work;
  }

  private readonly pending = new Map<number, Promise<void>>();

  private async fetch(place: number, begin: number, version: number, abort: AbortController): Promise<void> {
    try {
      const to = Math.min(begin + WINDOW_FRAMES, this.video.frames);
      const path = `/api/recordings/${part(this.recording)}/videos/${part(this.video.name)}/poses?${query({ from: begin, to, points: "f4" })}`;
      const blocks = await patiently(() => getBlocks<PosesHead>(path, abort.signal), undefined, abort.signal);
      this.windows.delete(place);
      this.windows.set(place, { window: new PoseWindow(blocks), version });
      for (const old of [...this.windows.keys()].slice(0, -KEPT)) this.windows.delete(old);
      this.forget();
      this.fault.value = null;
      this.touch();
    } catch (error) {
      if (abort.signal.aborted) return;
      this.fault.value = error instanceof Error ? error.message : String(error);
      if (error instanceof Unreachable) setTimeout(() => void this.load(place), 2000);
    } finally {
      this.asked.delete(place);
      this.pending.delete(place);
    }
    if (version !== this.version) await this.load(place);
  }

  /** Claims that all kept windows hold are laid over nothing any more. */
  private forget(): void {
    const oldest = Math.min(...[...this.windows.values()].map((one) => one.version));
    this.late = this.late.filter((one) => one.version === null || one.version > oldest);
  }
}
