// Labeling: which frame is open, its animals, and what keys do to them. Each change is saved at once.

import { computed, signal } from "@preact/signals";
import type {
  LabelAnimal,
  LabeledFrames,
  LabelFile,
  LabelFrame,
  RecordingList,
  StartingPoints,
  Suggestions,
  VideoFacts,
} from "../../types";
import { get, post, query, ServerFault, Unreachable } from "../api";
import { type Command, digitOf, type Stroke } from "../core/keys";
import { fromPoints } from "../core/poses";
import { count } from "../core/text";
import { author, listen, readOnly, sayWhere, session, tell, tellFault } from "../data/session";
import { Player } from "../player/player";
import * as edit from "./animals";
import { facts } from "./videos";

export interface OpenFrame {
  video: VideoFacts;
  recording: string;
  frame: number;
  revision: string | null;
  animals: LabelAnimal[];
}

interface Step {
  video: string;
  frame: number;
  before: LabelAnimal[];
  after: LabelAnimal[];
}

const DRAFTS = "poseflow.labels";

export class Labeling {
  readonly queue = signal<edit.QueueEntry[]>([]);
  readonly open = signal<OpenFrame | null>(null);
  readonly player = signal<Player | null>(null);
  readonly selection = signal<number | null>(null);
  readonly nodes = signal<Set<number>>(new Set());
  readonly placing = signal<([number, number] | null)[] | null>(null);
  readonly show = signal({ names: true, edges: true, animals: true });
  readonly zoom = signal<{ to: "animals" | "all"; count: number }>({ to: "all", count: 0 });
  readonly tracks = signal<string[]>([]);
  readonly suggestions = signal<Suggestions | null>(null);
  readonly saving = signal<"saved" | "saving" | "waiting">("saved");
  /** Somebody else changed the frame meanwhile: what they made of it. */
  readonly conflict = signal<LabelFrame | null>(null);
  readonly isLoading = signal(false);
  readonly goingTo = signal(false);
  private readonly done: Step[] = [];
  private readonly undone: Step[] = [];
  private readonly unsaved = new Map<
    string,
    { video: string; frame: number; animals: LabelAnimal[]; revision: string | null }
  >();
  private isSaving = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly stop: () => void;
  private isClosed = false;

  constructor(
    readonly file: LabelFile,
    readonly list: RecordingList,
    start: { video: string | null; frame: number | null },
  ) {
    this.tracks.value = file.tracks;
    this.restore();
    this.stop = listen((event) => {
      if (event.type !== "labels" || event.file !== file.name) return;
      void this.refresh();
      const open = this.open.peek();
      if (
        open &&
        event.video === open.video.name &&
        event.frame === open.frame &&
        event.revision !== open.revision &&
        !this.unsaved.size
      )
        void this.reload();
    });
    void this.begin(start);
  }

  get skeleton(): NonNullable<LabelFile["skeleton"]> {
    return this.file.skeleton ?? { nodes: [], edges: [], symmetries: [] };
  }

  close(): void {
    this.isClosed = true;
    this.stop();
    clearTimeout(this.timer);
    this.player.peek()?.close();
    sayWhere({ recording: null, video: null, frame: null });
  }

  private async begin(start: { video: string | null; frame: number | null }): Promise<void> {
    await this.refresh();
    if (start.video !== null && start.frame !== null) await this.goTo(start.video, start.frame);
    else {
      const first = this.queue.peek().find((one) => one.state !== "labeled") ?? this.queue.peek()[0];
      if (first) await this.goTo(first.video, first.frame);
    }
  }

  /** Asks again which frames there are. */
  async refresh(): Promise<void> {
    try {
      const [frames, suggestions] = await Promise.all([
        get<LabeledFrames>(`/api/labels/frames?${query({ file: this.file.name })}`),
        get<Suggestions>(`/api/labels/suggestions?${query({ file: this.file.name })}`),
      ]);
      this.suggestions.value = suggestions;
      const labeled = frames.frames
        .filter((one) => one.video !== null)
        .map(({ video, frame, state, animals }) => ({ video: video!, frame, state, animals }));
      const known = new Set(labeled.map((one) => `${one.video} ${one.frame}`));
      const suggested = suggestions.frames
        .filter((one) => !known.has(`${one.video} ${one.frame}`))
        .map((one) => ({ ...one, state: "suggested" as const, animals: 0 }));
      this.queue.value = edit.mergeQueue(this.queue.peek(), [...labeled, ...suggested]);
      if (frames.tracks.length) this.tracks.value = [...new Set([...frames.tracks, ...this.tracks.peek()])];
      if (suggestions.state === "working" && !this.isClosed) setTimeout(() => void this.refresh(), 1000);
    } catch (error) {
      tellFault(error);
    }
  }

  async suggest(number: number): Promise<void> {
    this.suggestions.value = await post<Suggestions>("/api/labels/suggest", {
      file: this.file.name,
      count: number,
      method: "stride",
    });
    await this.refresh();
    if (!this.open.peek()) await this.begin({ video: null, frame: null });
  }

  async goTo(video: string, frame: number): Promise<void> {
    this.placing.value = null;
    const known = this.open.peek();
    if (known?.video.name === video && known.frame === frame) return;
    this.isLoading.value = true;
    try {
      const own = await facts(this.list, video);
      if (!own) {
        tell(`${video} is not a video of this project.`, true);
        return;
      }
      const old = this.player.peek();
      let player = old;
      if (!old || old.video.name !== video) {
        old?.close();
        player = new Player(own.video, { frame, stills: true });
        this.player.value = player;
      }
      player!.seek(frame);
      sayWhere({ recording: own.recording, video, frame });
      await this.load(own.video, own.recording, frame);
    } catch (error) {
      tellFault(error);
    } finally {
      this.isLoading.value = false;
    }
  }

  private wanted = "";

  private async load(video: VideoFacts, recording: string, frame: number): Promise<void> {
    const key = `${video.name} ${frame}`;
    this.wanted = key;
    const unsaved = this.unsaved.get(key);
    let label: LabelFrame | null = null;
    try {
      label = await get<LabelFrame>(`/api/labels/frame?${query({ file: this.file.name, video: video.name, frame })}`);
    } catch (error) {
      if (!(error instanceof ServerFault) || error.status !== 404) throw error;
    }
    let animals = unsaved?.animals ?? label?.animals ?? [];
    if (!animals.length) {
      try {
        const start = await get<StartingPoints>(`/api/labels/predictions?${query({ video: video.name, frame })}`);
        animals = edit.suit(start.animals, start.nodes, this.skeleton.nodes);
      } catch (error) {
        if (!(error instanceof ServerFault)) throw error;
      }
    }
    if (this.wanted !== key) return;
    this.selection.value = null;
    this.nodes.value = new Set();
    this.conflict.value = null;
    this.open.value = { video, recording, frame, revision: label?.revision ?? null, animals };
  }

  private async reload(): Promise<void> {
    const open = this.open.peek();
    if (open) await this.load(open.video, open.recording, open.frame).catch(tellFault);
  }

  readonly animals = computed<LabelAnimal[]>(() => this.open.value?.animals ?? []);

  readonly points = computed<Float32Array[]>(() => this.animals.value.map((one) => fromPoints(one.points)));

  readonly placed = computed<Float32Array | null>(() => {
    const placed = this.placing.value;
    return placed && fromPoints(this.skeleton.nodes.map((_, node) => placed[node] ?? null));
  });

  // Changing, and saving at once

  /** Whether the animals are those of the frame that is shown: of one just gone to they are still on their way. */
  private isHere(): boolean {
    const open = this.open.peek();
    const player = this.player.peek();
    if (!open || player?.video.name !== open.video.name || player.frame.peek() !== open.frame) {
      if (player) tell("The animals of this frame are still being read.", true);
      return false;
    }
    return true;
  }

  private change(after: LabelAnimal[], isStep = true): void {
    const open = this.open.peek();
    if (!open || !this.isHere()) return;
    if (readOnly.peek() || !this.file.writable) {
      tell(
        readOnly.peek()
          ? "This page is read-only: nothing is changed."
          : (this.file.reason ?? "This file cannot be written."),
        true,
      );
      return;
    }
    if (isStep) {
      this.done.push({ video: open.video.name, frame: open.frame, before: open.animals, after });
      this.undone.length = 0;
    }
    this.open.value = { ...open, animals: after };
    const key = `${open.video.name} ${open.frame}`;
    this.unsaved.set(key, { video: open.video.name, frame: open.frame, animals: after, revision: open.revision });
    this.keep();
    const mine = edit.labeled(after);
    this.queue.value = edit.mergeQueue(this.queue.peek(), [
      ...this.queue.peek().filter((one) => one.video !== open.video.name || one.frame !== open.frame),
      { video: open.video.name, frame: open.frame, state: mine.length ? "labeled" : "suggested", animals: mine.length },
    ]);
    void this.save();
  }

  private async save(): Promise<void> {
    if (this.isSaving) return;
    this.isSaving = true;
    this.saving.value = "saving";
    try {
      for (;;) {
        const next = [...this.unsaved].find(([key]) => key !== this.conflictKey);
        if (!next) break;
        const [key, own] = next;
        try {
          const saved = await post<LabelFrame>("/api/labels/frame", {
            file: this.file.name,
            video: own.video,
            frame: own.frame,
            author: author.peek(),
            revision: own.revision,
            animals: edit.labeled(own.animals),
          });
          this.took(key, own, saved.revision);
        } catch (error) {
          if (!(error instanceof ServerFault) || error.code !== "conflict") throw error;
          this.conflictKey = key;
          const open = this.open.peek();
          if (open && key === `${open.video.name} ${open.frame}`) this.conflict.value = error.detail as LabelFrame;
        }
      }
      this.saving.value = this.unsaved.size ? "waiting" : "saved";
    } catch (error) {
      this.saving.value = "waiting";
      tellFault(error);
      const isOver = error instanceof ServerFault && error.status < 500 && error.status !== 401;
      if (!isOver || error instanceof Unreachable) this.timer = setTimeout(() => void this.save(), 2000);
    } finally {
      this.isSaving = false;
    }
  }

  private conflictKey: string | null = null;

  /** A frame was saved; what was changed meanwhile goes next, under the new revision. */
  private took(key: string, sent: { animals: LabelAnimal[] }, revision: string): void {
    const now = this.unsaved.get(key);
    if (now && now.animals === sent.animals) this.unsaved.delete(key);
    else if (now) now.revision = revision;
    const open = this.open.peek();
    if (open && key === `${open.video.name} ${open.frame}`) this.open.value = { ...open, revision };
    this.keep();
  }

  /** What is not saved yet outlives this tab. */
  private keep(): void {
    try {
      const own = `${DRAFTS} ${session.peek()?.path} ${this.file.name}`;
      if (this.unsaved.size) localStorage.setItem(own, JSON.stringify([...this.unsaved]));
      else localStorage.removeItem(own);
    } catch {
      // a browser that keeps nothing, or is full
    }
  }

  private restore(): void {
    try {
      const kept = localStorage.getItem(`${DRAFTS} ${session.peek()?.path} ${this.file.name}`);
      for (const [key, own] of JSON.parse(kept ?? "[]") as [
        string,
        { video: string; frame: number; animals: LabelAnimal[]; revision: string | null },
      ][])
        this.unsaved.set(key, own);
      if (this.unsaved.size) void this.save();
    } catch {
      // not ours
    }
  }

  /** Of two that changed a frame: mine over theirs, or theirs. */
  settle(mine: boolean): void {
    const theirs = this.conflict.peek();
    const key = this.conflictKey;
    const own = key === null ? undefined : this.unsaved.get(key);
    this.conflict.value = null;
    this.conflictKey = null;
    if (!theirs || !own || key === null) return;
    if (mine) {
      own.revision = theirs.revision;
      void this.save();
      return;
    }
    this.unsaved.delete(key);
    this.keep();
    const open = this.open.peek();
    if (open) this.open.value = { ...open, revision: theirs.revision, animals: theirs.animals };
    this.saving.value = "saved";
  }

  undo(isRedo = false): void {
    const step = (isRedo ? this.undone : this.done).pop();
    if (!step) {
      tell(isRedo ? "Nothing to do again." : "Nothing to take back here.");
      return;
    }
    (isRedo ? this.done : this.undone).push(step);
    void this.goTo(step.video, step.frame).then(() => this.change(isRedo ? step.after : step.before, false));
  }

  drag(place: number, points: Map<number, [number, number]>): void {
    const rounded = new Map([...points].map(([node, [x, y]]) => [node, [round(x), round(y)] as [number, number]]));
    this.change(edit.move(this.animals.peek(), place, rounded));
  }

  startPlacing(): void {
    if (!this.isHere()) return;
    this.placing.value = [];
    this.selection.value = null;
    tell(`Click ${this.skeleton.nodes[0]} · right-click: not in view · Enter: done · Esc: leave`);
  }

  place(point: [number, number] | null): void {
    const placed = this.placing.peek();
    if (!placed) return;
    const next = [...placed, point && ([round(point[0]), round(point[1])] as [number, number])];
    this.placing.value = next;
    if (next.length >= this.skeleton.nodes.length) this.finishPlacing();
    else tell(`Click ${this.skeleton.nodes[next.length]} · right-click: not in view · Enter: done · Esc: leave`);
  }

  finishPlacing(): void {
    const placed = this.placing.peek();
    this.placing.value = null;
    if (!placed?.some((point) => point)) return;
    this.change(edit.add(this.animals.peek(), placed, this.skeleton.nodes.length));
    this.selection.value = this.animals.peek().length - 1;
    tell("Saved. Space: next frame · N: another animal · drag to correct");
  }

  hideNodes(place: number, nodes: readonly number[]): void {
    this.change(edit.hide(this.animals.peek(), place, nodes));
  }

  accept(): void {
    if (this.placing.peek()) {
      this.finishPlacing();
      return;
    }
    const animals = this.animals.peek();
    const own = this.selection.peek();
    const place = own !== null && animals[own]?.predicted ? own : animals.findIndex((one) => one.predicted);
    if (place < 0) tell("There is no prediction left to accept.");
    else this.change(edit.accept(animals, place));
  }

  private removeSelected(): void {
    const own = this.selection.peek();
    if (own === null) {
      tell("Select an animal: click, or its number.", true);
      return;
    }
    const nodes = [...this.nodes.peek()];
    this.change(
      nodes.length > 0 && nodes.length < this.skeleton.nodes.length && nodes.length > 1
        ? edit.removeNodes(this.animals.peek(), own, nodes)
        : edit.remove(this.animals.peek(), own),
    );
    this.selection.value = null;
    this.nodes.value = new Set();
  }

  /** The frame is without animals: a label too. */
  sayEmpty(): void {
    this.change([]);
  }

  /** Animals of the labeled frame before in this video. */
  async copyBefore(): Promise<void> {
    const open = this.open.peek();
    if (!open) return;
    const before = this.queue
      .peek()
      .filter((one) => one.video === open.video.name && one.frame < open.frame && one.state === "labeled")
      .sort((a, b) => b.frame - a.frame)[0];
    if (!before) {
      tell("No labeled frame of this video comes before.", true);
      return;
    }
    const label = await get<LabelFrame>(
      `/api/labels/frame?${query({ file: this.file.name, video: open.video.name, frame: before.frame })}`,
    );
    this.change([...edit.labeled(this.animals.peek()), ...edit.labeled(label.animals)]);
    tell(`Copied ${count(label.animals.length)} from frame ${count(before.frame)}.`);
  }

  nameIt(track: string): void {
    const own = this.selection.peek() ?? (this.animals.peek().length === 1 ? 0 : null);
    if (own === null) tell("Select an animal: click, or its number.", true);
    else this.change(edit.setTrack(this.animals.peek(), own, track));
  }

  next(by: 1 | -1, wants?: "labeled"): void {
    if (this.placing.peek()) this.finishPlacing();
    const queue = this.queue.peek();
    const open = this.open.peek();
    const here = open ? queue.findIndex((one) => one.video === open.video.name && one.frame === open.frame) : -1;
    for (let step = 1; step <= queue.length; step++) {
      const place = (((here + by * step) % queue.length) + queue.length) % queue.length;
      const one = queue[place]!;
      if (wants ? one.state === wants : one.state !== "labeled" || by < 0) {
        if (place !== here) void this.goTo(one.video, one.frame);
        return;
      }
    }
    tell(queue.length ? "All frames of the queue are labeled." : "The queue is empty: choose frames first.");
  }

  private step(by: number): void {
    const open = this.open.peek();
    const player = this.player.peek();
    if (!open || !player) return;
    const frame = Math.min(Math.max(player.frame.peek() + by, 0), open.video.frames - 1);
    player.seek(frame);
    clearTimeout(this.stepTimer);
    this.stepTimer = setTimeout(() => void this.goTo(open.video.name, frame), 150);
  }

  private stepTimer: ReturnType<typeof setTimeout> | undefined;

  seek(frame: number): void {
    const open = this.open.peek();
    if (open) this.step(frame - (this.player.peek()?.frame.peek() ?? open.frame));
  }

  select(place: number | null, node: number, isMore: boolean): void {
    if (place === null) {
      if (!isMore) {
        this.selection.value = null;
        this.nodes.value = new Set();
      }
      return;
    }
    const isSame = this.selection.peek() === place;
    if (node >= 0) {
      const own = new Set(isSame && (isMore || this.nodes.peek().has(node)) ? this.nodes.peek() : []);
      if (isMore && own.has(node)) own.delete(node);
      else own.add(node);
      this.nodes.value = own;
    } else if (!isSame) this.nodes.value = new Set();
    this.selection.value = place;
  }

  run(command: Command, stroke: Stroke): boolean {
    const digit = (digitOf(stroke) ?? 1) - 1;
    const all = this.animals.peek();
    const acts: Partial<Record<Command, () => void>> = {
      step: () => this.step(1),
      stepBack: () => this.step(-1),
      jump10: () => this.step(10),
      jump10Back: () => this.step(-10),
      jump100: () => this.step(100),
      jump100Back: () => this.step(-100),
      nextItem: () => this.next(1),
      previousItem: () => this.next(-1),
      nextLabeled: () => this.next(1, "labeled"),
      previousLabeled: () => this.next(-1, "labeled"),
      goTo: () => {
        this.goingTo.value = true;
      },
      select: () => digit < all.length && this.select(digit, -1, stroke.shift),
      selectNext: () => all.length && this.select(((this.selection.peek() ?? -1) + 1) % all.length, -1, false),
      undo: () => this.undo(),
      redo: () => this.undo(true),
      addAnimal: () => this.startPlacing(),
      placeNodes: () => this.startPlacing(),
      occlude: () => {
        const own = this.selection.peek();
        if (own !== null && this.nodes.peek().size) this.hideNodes(own, [...this.nodes.peek()]);
      },
      accept: () => this.accept(),
      acceptAll: () => this.change(edit.acceptAll(this.animals.peek())),
      remove: () => this.removeSelected(),
      name: () => {
        const track = this.tracks.peek()[digit];
        if (track) this.nameIt(track);
        else tell("There is no such name: add it at the right.", true);
      },
      copyBefore: () => void this.copyBefore().catch(tellFault),
      toggleNames: () => {
        this.show.value = { ...this.show.peek(), names: !this.show.peek().names };
      },
      toggleEdges: () => {
        this.show.value = { ...this.show.peek(), edges: !this.show.peek().edges };
      },
      toggleAnimals: () => {
        this.show.value = { ...this.show.peek(), animals: !this.show.peek().animals };
      },
      fit: () => {
        this.zoom.value = { to: "animals", count: this.zoom.peek().count + 1 };
      },
      reset: () => {
        this.zoom.value = { to: "all", count: this.zoom.peek().count + 1 };
      },
      escape: () => {
        if (this.placing.peek()) this.placing.value = null;
        else this.select(null, -1, false);
      },
      save: () => tell("All is saved at once."),
    };
    const act = acts[command];
    act?.();
    return act !== undefined;
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
