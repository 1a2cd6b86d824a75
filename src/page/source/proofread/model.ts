// Proofreading one video: where one is, what is selected, and what keys do. It knows no panels; these show its signals.

import { computed, effect, signal } from "@preact/signals";
import type { Lanes as LaneFacts, Recording, Review, ReviewItem, VideoFacts } from "../../types";
import { get, part, patiently, query } from "../api";
import { type Claim, findStanding, type Saying } from "../core/claims";
import {
  addAnimal,
  confirm,
  isFirstName,
  join,
  moveNodes,
  present,
  type Reach,
  reviewed,
  type Scene,
  sight,
} from "../core/edits";
import { type Command, digitOf, type Stroke } from "../core/keys";
import type { Found } from "../core/overlay";
import { type Animal, boxOf, centerOf, FLAG, fromPoints, pointOf } from "../core/poses";
import { count, duration, nameOf } from "../core/text";
import {
  askClaims,
  claimsOf,
  claimsVersion,
  isTakenBack,
  redo,
  say,
  takeBack,
  undo,
  watchClaims,
} from "../data/claims";
import { PoseStore } from "../data/poses";
import { author, listen, readOnly, sayWhere, tell, tellFault } from "../data/session";
import { Times } from "../data/times";
import { Player } from "../player/player";
import { type Extent, type Plan, planName, planRemove, planSwap, type Reader } from "./plans";
import { kindOf, Queue } from "./review";

export const keyOf = (animal: Animal): string =>
  animal.track >= 0 ? `t${animal.track}` : animal.added ? `a${animal.added}` : `r${animal.row}`;

/** The last edit, whose frames can be changed after. */
export interface LastEdit {
  plan: Plan;
  extent: Extent;
  ids: string[];
  text: string;
}

export interface Place {
  frame: number | null;
  item: string | null;
  stills: boolean;
}

export class Proofreading {
  readonly player: Player;
  readonly poses: PoseStore;
  readonly reader: Reader;
  /** Keys of selected animals, in the order of their selection. */
  readonly selection = signal<string[]>([]);
  readonly selectedNodes = signal<{ key: string; nodes: Set<number> } | null>(null);
  readonly range = signal<[number | null, number | null]>([null, null]);
  readonly show = signal({ names: true, edges: true, animals: true, trails: true });
  readonly queue = signal(new Queue(null));
  readonly queueVersion = signal(0);
  readonly review = signal<Review | null>(null);
  readonly hasNewList = signal(false);
  readonly item = signal<string | null>(null);
  readonly lanes = signal<LaneFacts | null>(null);
  readonly lanesNote = signal("");
  /** Names that a person has written here, and not given yet. */
  readonly ownNames = signal<string[]>([]);
  /** Lanes of the whole video, as they were last asked for. */
  readonly overview = signal<LaneFacts | null>(null);
  readonly last = signal<LastEdit | null>(null);
  readonly isWorking = signal(false);
  /** Nodes placed so far, of an animal that is placed by clicks; null: none is. */
  readonly placing = signal<([number, number] | null)[] | null>(null);
  /** Raised to ask the view for a zoom: to animals, or to the whole frame. */
  readonly zoom = signal<{ to: "animals" | "all"; count: number }>({ to: "all", count: 0 });
  readonly goingTo = signal(false);
  readonly times: Times;
  private readonly stops: (() => void)[] = [];
  private readonly laneAbort: { now: AbortController | null } = { now: null };
  private laneQuery = "";

  constructor(
    readonly recording: Recording,
    readonly video: VideoFacts,
    place: Place,
  ) {
    this.player = new Player(video, { frame: place.frame ?? 0, stills: place.stills });
    this.poses = new PoseStore(recording.name, video);
    this.times = new Times(recording.name, video);
    this.reader = {
      recording: recording.name,
      video: video.name,
      frames: video.frames,
      scene: async (frame) => this.sceneOf(frame, await this.poses.read(frame)),
    };
    this.stops.push(
      effect(() => {
        const frame = this.player.frame.value;
        this.poses.want(frame);
        this.times.want(frame);
        sayWhere({ recording: recording.name, video: video.name, frame });
      }),
      watchClaims((where, ids, isOwn) => {
        if (where !== recording.name) return;
        this.poses.settle(ids);
        if (isOwn) void this.refreshReview();
        this.refreshLanes();
      }),
      listen((event) => {
        if (event.type === "tables" && event.recording === recording.name) {
          this.poses.invalidate();
          this.refreshLanes();
          void this.refreshReview();
        }
        if (event.type === "claims" && event.recording === recording.name) {
          this.poses.invalidate();
          void this.refreshReview();
        }
      }),
    );
    void this.open(place);
  }

  private async open(place: Place): Promise<void> {
    askClaims(this.recording.name).catch(tellFault);
    try {
      const review = await patiently(() => get<Review>(`/api/recordings/${part(this.recording.name)}/review`));
      this.queue.value = new Queue(review);
      this.review.value = review;
      const own = this.queue.value.get(place.item);
      if (own) this.openItem(own, place.frame);
    } catch (error) {
      tellFault(error);
    }
  }

  close(): void {
    for (const stop of this.stops) stop();
    this.laneAbort.now?.abort();
    this.player.close();
    this.poses.close();
    sayWhere({ recording: null, video: null, frame: null });
  }

  // What is shown

  get nodes(): readonly string[] {
    return this.poses.head?.nodes ?? this.recording.skeleton?.nodes ?? [];
  }

  /** Names that may be given, in the order of their colors and keys. */
  get names(): readonly string[] {
    return this.allNames.value;
  }

  private readonly allNames = computed<string[]>(() => {
    void claimsVersion.value;
    const given = claimsOf(this.recording.name).flatMap((claim) =>
      claim.kind === "name" && !/^track_\d+$/.test(claim.name) ? [claim.name] : [],
    );
    return [...new Set([...this.recording.names, ...given, ...this.ownNames.value])];
  });

  timeOf(frame: number): number {
    return this.times.at(frame);
  }

  readonly animals = computed<Animal[]>(() => {
    void this.poses.changed.value;
    return this.poses.at(this.player.frame.value) ?? [];
  });

  /** Those present, in the order of the panel and of the keys 1–9: by name, then by track. */
  readonly listed = computed<Animal[]>(() => {
    const order = (animal: Animal): number => {
      const place = animal.name === null ? -1 : this.names.indexOf(animal.name);
      return place >= 0 ? place : 1000 + (animal.track < 0 ? 1e9 : animal.track);
    };
    return this.animals.value.filter((one) => !(one.flags & FLAG.removed)).sort((a, b) => order(a) - order(b));
  });

  readonly openItem_ = computed<ReviewItem | null>(() => {
    void this.queueVersion.value;
    return this.queue.value.get(this.item.value);
  });

  /** The frame that edits are about: that of the item while its loop plays, else the one that is shown. */
  readonly editFrame = computed<number>(() => {
    const item = this.openItem_.value;
    return item && this.player.playing.value && this.player.loop.value ? item.frame : this.player.frame.value;
  });

  readonly chosen = computed<Animal[]>(() => {
    void this.poses.changed.value;
    const frame = this.editFrame.value;
    const animals = (frame === this.player.frame.value ? this.animals.value : (this.poses.at(frame) ?? [])).filter(
      (one) => !(one.flags & FLAG.removed),
    );
    return this.selection.value.flatMap((key) => animals.find((one) => keyOf(one) === key) ?? []);
  });

  /** Which animals X would swap now. */
  readonly pair = computed<[Animal, Animal] | null>(() => {
    void this.poses.changed.value;
    const chosen = this.chosen.value;
    if (chosen.length === 2) return [chosen[0]!, chosen[1]!];
    const frame = this.editFrame.value;
    const all = (frame === this.player.frame.value ? this.animals.value : (this.poses.at(frame) ?? [])).filter(
      (one) => !(one.flags & FLAG.removed) && (one.track >= 0 || one.name !== null),
    );
    return all.length === 2 ? [all[0]!, all[1]!] : null;
  });

  /** Begin and end of the range, where both are set. */
  readonly span = computed<[number, number] | null>(() => {
    const [begin, end] = this.range.value;
    return begin === null || end === null ? null : [Math.min(begin, end), Math.max(begin, end)];
  });

  /** Name that a track has in a frame, where it has one. */
  nameAt(track: number, frame: number): string | null {
    const lane = this.overview.value?.lanes.find(
      (one) =>
        one.kind === "name" && one.runs.some((run) => run.track === track && frame >= run.start && frame < run.stop),
    );
    return lane?.name ?? null;
  }

  /** Says which frames an edit is about, with what that is in time. */
  describe(extent: { reach: Reach; from: number; to: number }): string {
    const { from, to, reach } = extent;
    if (from === to) return `frame ${count(from)} alone`;
    const long = duration((to - from + 1) / (this.video.fps || 25));
    return reach === "end" ? `from ${count(from)} to the end, ${long}` : `${count(from)} to ${count(to)}, ${long}`;
  }

  // What is done

  private sceneOf(frame: number, animals: readonly Animal[]): Scene {
    return {
      video: this.video.name,
      fingerprint: this.video.fingerprint,
      frame,
      time: this.timeOf(frame),
      release: this.recording.release,
      nodes: this.nodes,
      animals,
    };
  }

  private async here(): Promise<Scene> {
    return this.reader.scene(this.editFrame.peek());
  }

  private say(sayings: Saying[], scenes: readonly Scene[]): Claim[] {
    const claims = say(this.recording.name, sayings);
    const found = new Map<string, Found>();
    const trackOf = (where: { frame: number; animal?: number | null }): number | null => {
      const scene = scenes.find((one) => one.frame === where.frame);
      return (scene && present(scene)[where.animal ?? -1]?.base) ?? null;
    };
    for (const claim of claims) {
      if (claim.kind === "name") {
        const animals = present(scenes.find((one) => one.frame === claim.where.frame) ?? this.sceneOf(0, []));
        const isFirst = isFirstName(animals, animals[claim.where.animal ?? -1], claim.name);
        found.set(claim.id, { track: trackOf(claim.where), isFirst });
      }
      if (claim.kind === "continuation")
        found.set(claim.id, { track: trackOf(claim.where), before: trackOf(claim.before) });
    }
    this.poses.add(claims, found);
    this.answered(claims);
    return claims;
  }

  /** An edit near an open item answers it. */
  private answered(claims: readonly Claim[]): void {
    const near = (item: ReviewItem, frame: number): boolean =>
      item.video === this.video.name && Math.abs(item.frame - frame) <= 25;
    for (const claim of claims) {
      if (claim.kind === "retraction") continue;
      const frame = claim.kind === "reviewed" ? claim.frame : claim.where.frame;
      for (const item of this.queue.peek().list)
        if (near(item, frame)) this.queue.peek().answer(item.id, author.peek());
    }
    this.queueVersion.value++;
  }

  private refuses(): boolean {
    if (readOnly.peek()) tell("This page is read-only: nothing is changed.", true);
    return readOnly.peek();
  }

  private async carryOut(plan: Plan, reach: Reach): Promise<void> {
    if (this.refuses() || this.isWorking.peek()) return;
    this.isWorking.value = true;
    try {
      const extent = await plan.extent(reach, this.span.peek());
      const { sayings, scenes } = await plan.build(extent);
      if (!sayings.length) {
        tell("No such animal in this frame.", true);
        return;
      }
      const claims = this.say(sayings, scenes);
      this.last.value = { plan, extent, ids: claims.map((claim) => claim.id), text: plan.text };
      // A range is for one edit: none is forgotten, and limits a later one.
      this.range.value = [null, null];
      tell(`${plan.text}: ${this.describe(extent)}.`);
    } catch (error) {
      tellFault(error);
    } finally {
      this.isWorking.value = false;
    }
  }

  /** The last edit is about other frames. */
  async changeReach(reach: Reach): Promise<void> {
    const last = this.last.peek();
    if (!last || this.refuses() || this.isWorking.peek() || reach === last.extent.reach) return;
    const span = this.span.peek();
    if (reach === "range" && !span) {
      tell("Set the range first: [ where it begins, ] where it ends.", true);
      return;
    }
    const retractions = takeBack(
      this.recording.name,
      last.ids.filter((id) => !isTakenBack(this.recording.name, id)),
    );
    this.poses.add(retractions, new Map());
    await this.poses.fresh();
    this.last.value = null;
    await this.carryOut(last.plan, reach);
  }

  private nextReach(): void {
    const last = this.last.peek();
    if (!last) return;
    const all = last.plan.reaches.filter((reach) => reach !== "range" || this.span.peek());
    const next = all[(all.indexOf(last.extent.reach) + 1) % all.length];
    if (next) void this.changeReach(next);
  }

  private defaultReach(plan: Plan): Reach {
    if (this.span.peek() && plan.reaches.includes("range")) return "range";
    return plan.kind === "remove" ? "frame" : "end";
  }

  swap(): void {
    const pair = this.pair.peek();
    if (!pair) {
      tell("Select the two animals: click, Shift+click.", true);
      return;
    }
    const plan = planSwap(this.reader, this.editFrame.peek(), ...pair);
    void this.carryOut(plan, this.defaultReach(plan));
  }

  private one(): Animal | null {
    const chosen = this.chosen.peek();
    if (chosen.length === 1) return chosen[0]!;
    const all = this.listed.peek();
    if (!chosen.length && all.length === 1) return all[0]!;
    tell(chosen.length ? "Select one animal." : "Select an animal: click, or its number.", true);
    return null;
  }

  nameIt(given: string): void {
    const own = this.one();
    if (!own) return;
    const plan = planName(this.reader, this.editFrame.peek(), own, given);
    void this.carryOut(plan, this.defaultReach(plan));
  }

  remove(reach?: Reach): void {
    const own = this.one();
    if (!own) return;
    const plan = planRemove(this.reader, this.editFrame.peek(), own);
    const wanted = reach ?? this.defaultReach(plan);
    void this.carryOut(plan, plan.reaches.includes(wanted) ? wanted : "frame");
  }

  async drag(animal: Animal, points: Map<number, [number, number]>): Promise<void> {
    if (this.refuses()) return;
    const scene = this.sceneOf(animal.frame, this.poses.at(animal.frame) ?? []);
    const own = present(scene).find((one) => keyOf(one) === keyOf(animal)) ?? animal;
    const moved = Object.fromEntries(
      [...points].map(([node, [x, y]]) => [this.nodes[node]!, [round(x), round(y)] as [number, number]]),
    );
    this.say(moveNodes(scene, own, moved), [scene]);
    tell(
      `${[...points.keys()].length > 3 ? "Animal" : Object.keys(moved).join(", ")} moved: frame ${count(animal.frame)} alone.`,
    );
  }

  /** A node is not to be seen, or is where the network put it. */
  async hide(animal: Animal, nodes: readonly number[]): Promise<void> {
    if (this.refuses()) return;
    const scene = this.sceneOf(animal.frame, this.poses.at(animal.frame) ?? []);
    const own = present(scene).find((one) => keyOf(one) === keyOf(animal)) ?? animal;
    const points = Object.fromEntries(nodes.map((node) => [this.nodes[node]!, null]));
    this.say(moveNodes(scene, own, points), [scene]);
    tell(`${Object.keys(points).join(", ")} hidden: frame ${count(animal.frame)} alone.`);
  }

  private async addLost(): Promise<void> {
    if (this.refuses()) return;
    const frame = this.editFrame.peek();
    this.player.seek(frame);
    const scene = await this.here();
    const there = new Set(scene.animals.map((one) => one.track));
    for (let at = frame - 1; at >= Math.max(frame - 25, 0); at--) {
      const lost = (await this.poses.read(at)).find(
        (one) => one.track >= 0 && !there.has(one.track) && !(one.flags & FLAG.removed),
      );
      if (!lost) continue;
      const before = this.sceneOf(at, await this.poses.read(at));
      const points = Object.fromEntries(this.nodes.map((node, place) => [node, pointOf(lost.points, place)]));
      const [saying] = addAnimal(scene, points, lost.name);
      if (saying?.kind !== "animal") return;
      const earlier = present(before).find((one) => one.row === lost.row);
      const claims = this.say([{ ...saying, before: earlier ? sight(before, earlier) : null }], [scene, before]);
      this.selection.value = [`a${claims[0]!.id}`];
      tell(`Added ${nameOf(lost)} as it was in frame ${count(at)}: drag its nodes into place.`);
      return;
    }
    this.startPlacing();
  }

  startPlacing(): void {
    if (this.refuses()) return;
    if (!this.nodes.length) {
      tell("There are no nodes: this recording has no skeleton yet.", true);
      return;
    }
    this.player.seek(this.editFrame.peek());
    this.placing.value = [];
    tell(`Click ${this.nodes[0]} · right-click: not to be seen · Enter: done · Esc: leave`);
  }

  /** The next node is here, or not to be seen. */
  place(point: [number, number] | null): void {
    const placed = this.placing.peek();
    if (!placed) return;
    const next = [...placed, point];
    this.placing.value = next;
    if (next.length === this.nodes.length) void this.finishPlacing();
    else tell(`Click ${this.nodes[next.length]} · right-click: not to be seen · Enter: done · Esc: leave`);
  }

  async finishPlacing(): Promise<void> {
    const placed = this.placing.peek();
    this.placing.value = null;
    if (!placed?.some((point) => point)) return;
    const scene = await this.reader.scene(this.player.frame.peek());
    const points = Object.fromEntries(
      this.nodes.map((node, at) => [
        node,
        placed[at] ? ([round(placed[at]![0]), round(placed[at]![1])] as [number, number]) : null,
      ]),
    );
    const claims = this.say(addAnimal(scene, points, null), [scene]);
    this.selection.value = [`a${claims[0]!.id}`];
    tell(`Animal added: frame ${count(scene.frame)} alone. Ctrl+1–9 names it.`);
  }

  readonly placed = computed<Float32Array | null>(() => {
    const placed = this.placing.value;
    return placed && fromPoints(this.nodes.map((_, node) => placed[node] ?? null));
  });

  private cut(): void {
    const own = this.one();
    if (!own) return;
    const used = this.lanes.peek()?.lanes.map((lane) => lane.track ?? 0) ?? [];
    const free = Math.max(...used, ...this.listed.peek().map((one) => one.track), 0) + 1;
    this.nameIt(`track_${free}`);
  }

  /** The animal continues the track that was lost last, near it. */
  private async joinLost(): Promise<void> {
    const own = this.one();
    if (!own || this.refuses()) return;
    const frame = this.editFrame.peek();
    const scene = await this.here();
    const there = new Set(scene.animals.map((one) => one.track));
    const center = centerOf(own.points);
    for (let at = frame - 1; at >= Math.max(frame - 250, 0); at--) {
      const before = await this.reader.scene(at);
      const lost = present(before)
        .filter((one) => one.track >= 0 && (!there.has(one.track) || (one.track !== own.track && frame - at > 1)))
        .filter((one) => !there.has(one.track))
        .map((one) => ({ one, far: distance(centerOf(one.points), center) }))
        .sort((a, b) => a.far - b.far)[0];
      if (!lost) continue;
      const target = present(scene).find((one) => keyOf(one) === keyOf(own));
      if (!target) return;
      this.say(join(scene, target, before, lost.one), [scene, before]);
      tell(
        `Continues ${nameOf(lost.one)} of frame ${count(at)}: ${this.describe({ reach: "end", from: frame, to: this.video.frames - 1 })}.`,
      );
      return;
    }
    tell("No track ended in the 250 frames before.", true);
  }

  undo(): void {
    if (this.refuses()) return;
    const batch = undo(this.recording.name);
    if (!batch) {
      tell("Nothing of yours is left to take back.");
      return;
    }
    this.last.value = null;
    this.poses.add(
      claimsOf(this.recording.name).filter(
        (claim) => claim.kind === "retraction" && batch.claims.some((one) => one.id === claim.retracts),
      ),
      new Map(),
    );
    for (const claim of batch.claims) {
      const frame = claim.kind === "reviewed" ? claim.frame : claim.kind === "retraction" ? null : claim.where.frame;
      if (frame === null) continue;
      for (const item of this.queue.peek().list) if (item.frame === frame) this.queue.peek().reopen(item.id);
    }
    this.queueVersion.value++;
    tell(`Taken back: ${batch.text}.`);
  }

  redo(): void {
    if (this.refuses()) return;
    const ids = redo(this.recording.name);
    if (!ids) {
      tell("Nothing to do again.");
      return;
    }
    this.poses.add(
      claimsOf(this.recording.name).filter((claim) => claim.kind === "retraction" && ids.includes(claim.retracts)),
      new Map(),
    );
    tell("Done again.");
  }

  /** Right as it is; goes on to the next item. */
  accept(): void {
    if (this.placing.peek()) {
      void this.finishPlacing();
      return;
    }
    if (this.refuses()) return;
    const item = this.openItem_.peek();
    this.say(reviewed(this.video.name, item?.frame ?? this.player.frame.peek()), []);
    tell(`Frame ${count(item?.frame ?? this.player.frame.peek())}: seen and right.`);
    if (item) this.nextItem(1);
  }

  /** The points of the selected animal are right: they become labels. */
  async confirmPoints(): Promise<void> {
    const own = this.one();
    if (!own || this.refuses()) return;
    const scene = await this.here();
    const target = present(scene).find((one) => keyOf(one) === keyOf(own));
    if (target) this.say(confirm(scene, target), [scene]);
  }

  nextItem(by: 1 | -1): void {
    const next = this.queue.peek().next(this.item.peek(), by);
    if (next) this.openItem(next);
    else tell(this.queue.peek().list.length ? "All review items are answered." : "There are no review items.");
  }

  /** Opens an item: zoomed to its animals, a second before and after in a loop. */
  openItem(item: ReviewItem, frame: number | null = null): void {
    if (item.video !== this.video.name) {
      this.leave(item);
      return;
    }
    const around = Math.max(Math.round(this.video.fps || 25), 2);
    this.last.value = null;
    this.range.value = [null, null];
    this.item.value = item.id;
    this.player.seek(frame ?? item.frame);
    this.player.loop.value = [Math.max(item.frame - around, 0), Math.min(item.frame + around, this.video.frames - 1)];
    this.selection.value = item.tracks.map((track) => `t${track}`);
    void this.poses.read(item.frame).then(() => {
      this.zoom.value = { to: "animals", count: this.zoom.peek().count + 1 };
      if (frame === null && this.item.peek() === item.id) this.player.playing.value = true;
    });
  }

  /** Called for an item of another video of the recording. */
  leave: (item: ReviewItem) => void = () => undefined;

  boxOfChosen(): ReturnType<typeof boxOf> {
    const item = this.openItem_.peek();
    const frame = item ? item.frame : this.player.frame.peek();
    const animals = (this.poses.at(frame) ?? []).filter((one) => !(one.flags & FLAG.removed));
    const own = animals.filter((one) => this.selection.peek().includes(keyOf(one)));
    return boxOf((own.length ? own : animals).map((one) => one.points));
  }

  select(animal: Animal | null, isMore: boolean, node = -1): void {
    if (!animal) {
      if (!isMore) {
        this.selection.value = [];
        this.selectedNodes.value = null;
      }
      return;
    }
    if (this.player.playing.peek()) this.player.seek(this.player.frame.peek());
    const key = keyOf(animal);
    const old = this.selection.peek();
    const nodes = this.selectedNodes.peek();
    if (node >= 0) {
      const isSame = nodes?.key === key;
      if (!isMore) this.selectedNodes.value = isSame && nodes.nodes.has(node) ? nodes : { key, nodes: new Set([node]) };
      else if (isSame && old.length === 1 && old[0] === key) {
        const own = new Set(nodes.nodes);
        if (own.has(node)) own.delete(node);
        else own.add(node);
        this.selectedNodes.value = { key, nodes: own };
      }
    }
    if (!isMore) this.selection.value = [key];
    else if (!old.includes(key)) this.selection.value = [...old, key].slice(-2);
  }

  private selectPlace(place: number, isMore: boolean): void {
    const own = this.listed.peek()[place];
    if (own) this.select(own, isMore);
  }

  private toggle(what: "names" | "edges" | "animals" | "trails"): void {
    this.show.value = { ...this.show.peek(), [what]: !this.show.peek()[what] };
  }

  private setRange(end: "begin" | "end"): void {
    const frame = this.player.frame.peek();
    const [begin, stop] = this.range.peek();
    this.range.value = end === "begin" ? [frame, stop !== null && stop < frame ? null : stop] : [begin ?? frame, frame];
  }

  private extendRange(by: number): void {
    const frame = this.player.frame.peek();
    const [begin] = this.range.peek();
    this.player.step(by);
    this.range.value = [begin ?? frame, this.player.frame.peek()];
  }

  private edited(by: 1 | -1): void {
    const here = this.player.frame.peek();
    const frames = [
      ...(this.lanes.peek()?.edits ?? []).map((mark) => mark.frame),
      ...this.ownMarks().map((mark) => mark.frame),
    ];
    const next =
      by > 0
        ? Math.min(...frames.filter((frame) => frame > here))
        : Math.max(...frames.filter((frame) => frame < here));
    if (Number.isFinite(next)) this.player.seek(next);
  }

  private trackBegins(): void {
    const here = this.player.frame.peek();
    const starts = (this.lanes.peek()?.lanes ?? []).flatMap((lane) => lane.runs.map((run) => run.start));
    const next = Math.min(...starts.filter((frame) => frame > here));
    if (Number.isFinite(next)) this.player.seek(next);
  }

  /** Marks of claims that the server's lanes may not hold yet. */
  ownMarks(): { frame: number; stop: number }[] {
    void claimsVersion.value;
    const known = new Set(this.lanes.value?.edits.map((mark) => mark.frame));
    return findStanding(claimsOf(this.recording.name)).flatMap((claim) => {
      if (claim.kind === "retraction") return [];
      const where = claim.kind === "reviewed" ? claim : claim.where;
      if (where.video !== this.video.name || known.has(where.frame)) return [];
      const stop = claim.kind === "absence" ? (claim.path?.at(-1)?.[0] ?? where.frame) + 1 : where.frame + 1;
      return [{ frame: where.frame, stop }];
    });
  }

  run(command: Command, stroke: Stroke): boolean {
    const { player } = this;
    const digit = digitOf(stroke);
    const acts: Partial<Record<Command, () => void>> = {
      step: () => player.step(1),
      stepBack: () => player.step(-1),
      jump10: () => player.step(10),
      jump10Back: () => player.step(-10),
      jump100: () => player.step(100),
      jump100Back: () => player.step(-100),
      first: () => player.seek(0),
      last: () => player.seek(player.frames - 1),
      play: () => player.toggle(),
      slower: () => player.faster(-1),
      faster: () => player.faster(1),
      goTo: () => {
        this.goingTo.value = true;
      },
      rangeBegin: () => this.setRange("begin"),
      rangeEnd: () => this.setRange("end"),
      rangeForward: () => this.extendRange(1),
      rangeBack: () => this.extendRange(-1),
      nextItem: () => (this.placing.peek() ? void this.finishPlacing() : this.nextItem(1)),
      previousItem: () => this.nextItem(-1),
      nextLabeled: () => this.edited(1),
      previousLabeled: () => this.edited(-1),
      nextTrackBegin: () => this.trackBegins(),
      select: () => this.selectPlace((digit ?? 1) - 1, stroke.shift),
      selectNext: () => {
        const all = this.listed.peek();
        const here = all.findIndex((one) => keyOf(one) === this.selection.peek().at(-1));
        this.selectPlace((here + 1) % Math.max(all.length, 1), false);
      },
      undo: () => this.undo(),
      redo: () => this.redo(),
      addAnimal: () => void this.addLost(),
      placeNodes: () => this.startPlacing(),
      occlude: () => {
        const nodes = this.selectedNodes.peek();
        const own = this.listed.peek().find((one) => keyOf(one) === nodes?.key);
        if (own && nodes) void this.hide(own, [...nodes.nodes]);
      },
      accept: () => this.accept(),
      acceptAll: () => this.accept(),
      remove: () => this.remove(),
      removeTracklet: () => this.remove("tracklet"),
      swap: () => this.swap(),
      name: () => this.nameIt(this.names[(digit ?? 1) - 1] ?? `track_${(digit ?? 1) - 1}`),
      newTrack: () => this.cut(),
      cut: () => this.cut(),
      join: () => void this.joinLost(),
      scope: () => this.nextReach(),
      toggleNames: () => this.toggle("names"),
      toggleEdges: () => this.toggle("edges"),
      toggleAnimals: () => this.toggle("animals"),
      toggleTrails: () => this.toggle("trails"),
      fit: () => {
        this.zoom.value = { to: "animals", count: this.zoom.peek().count + 1 };
      },
      reset: () => {
        this.zoom.value = { to: "all", count: this.zoom.peek().count + 1 };
      },
      escape: () => {
        if (this.placing.peek()) this.placing.value = null;
        else if (this.span.peek() || this.range.peek()[0] !== null) this.range.value = [null, null];
        else {
          this.selection.value = [];
          this.selectedNodes.value = null;
        }
      },
      save: () => tell("All is saved at once."),
    };
    const act = acts[command];
    act?.();
    return act !== undefined;
  }

  // What is asked anew

  async askLanes(from: number, to: number, bins: number): Promise<void> {
    const begin = Math.max(Math.floor(from), 0);
    const path = `/api/recordings/${part(this.recording.name)}/videos/${part(this.video.name)}/lanes?${query({ from: begin, to: Math.min(Math.ceil(to), this.video.frames), bins: Math.min(Math.max(Math.round(bins), 16), 4096) })}`;
    this.laneQuery = path;
    this.laneAbort.now?.abort();
    const abort = new AbortController();
    this.laneAbort.now = abort;
    try {
      const facts = await patiently(
        () => get<LaneFacts>(path, abort.signal),
        (done) => {
          this.lanesNote.value =
            done === null ? "reading the tracks" : `reading the tracks, ${Math.round(100 * done)} %`;
        },
        abort.signal,
      );
      this.lanesNote.value = facts.lanes.length ? "" : "no tracks here yet";
      this.lanes.value = facts;
      if (facts.from_frame === 0 && facts.to_frame >= this.video.frames) this.overview.value = facts;
    } catch (error) {
      if (!abort.signal.aborted) this.lanesNote.value = error instanceof Error ? error.message : String(error);
    }
  }

  private laneTimer: ReturnType<typeof setTimeout> | undefined;

  refreshLanes(): void {
    clearTimeout(this.laneTimer);
    this.laneTimer = setTimeout(() => {
      const asked = /from=(\d+)&to=(\d+)&bins=(\d+)/.exec(this.laneQuery);
      if (asked) void this.askLanes(Number(asked[1]), Number(asked[2]), Number(asked[3]));
    }, 400);
  }

  private reviewTimer: ReturnType<typeof setTimeout> | undefined;

  private async refreshReview(): Promise<void> {
    clearTimeout(this.reviewTimer);
    this.reviewTimer = setTimeout(() => {
      get<Review>(`/api/recordings/${part(this.recording.name)}/review`)
        .then((review) => {
          this.review.value = review;
          this.hasNewList.value = this.queue.peek().update(review);
          this.queueVersion.value++;
        })
        .catch(() => undefined);
    }, 600);
  }

  /** Opens the list anew, in the order of now. */
  reopenList(): void {
    const review = this.review.peek();
    if (review) this.queue.value = new Queue(review);
    this.hasNewList.value = false;
  }

  reasonOf(item: ReviewItem | null, animal: Animal): string | undefined {
    return item?.tracks.includes(animal.track) ? kindOf(item.kind) : undefined;
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function distance(a: [number, number] | null, b: [number, number] | null): number {
  return a && b ? Math.hypot(a[0] - b[0], a[1] - b[1]) : Infinity;
}
