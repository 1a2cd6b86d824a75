// What a person does to the animals of a video: claims, and the frames that they are about.

import { computed, signal } from "@preact/signals";
import type { ReviewItem } from "../../types";
import type { Claim, Saying } from "../core/claims";
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
import type { Found } from "../core/overlay";
import { type Animal, centerOf, FLAG, fromPoints, pointOf } from "../core/poses";
import { count, nameOf } from "../core/text";
import { claimsOf, isTakenBack, redo, say, takeBack, undo } from "../data/claims";
import { author, readOnly, tell, tellFault } from "../data/session";
import { type Plan, planName, planRemove, planSwap } from "./plans";

import { keyOf, type LastEdit, Shown } from "./shown";

export class Editing extends Shown {
  private readonly unmade = signal(0);
  readonly isWorking = computed(() => this.unmade.value > 0);
  private made: Promise<void> = Promise.resolve();
  /** Nodes placed so far, of an animal that is placed by clicks; null: none is. */
  readonly placing = signal<([number, number] | null)[] | null>(null);
  protected async here(): Promise<Scene> {
    return this.reader.scene(this.editFrame.peek());
  }

  protected say(sayings: Saying[], scenes: readonly Scene[]): Claim[] {
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
  protected answered(claims: readonly Claim[]): void {
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

  protected refuses(): boolean {
    if (readOnly.peek()) tell("This page is read-only: nothing is changed.", true);
    return readOnly.peek();
  }

  /** Edits are made one after the other, in the order of their keys: one that reads much does not lose the next. */
  private inTurn(work: () => Promise<void> | void): Promise<void> {
    this.unmade.value++;
    this.made = this.made
      .then(work)
      .catch(tellFault)
      .finally(() => {
        this.unmade.value--;
      });
    return this.made;
  }

  protected async carryOut(plan: Plan, reach: Reach): Promise<void> {
    if (this.refuses()) return;
    const span = this.span.peek(); // as it is shown with the key: the edit before may end it
    await this.inTurn(() => this.make(plan, reach, span));
  }

  private async make(plan: Plan, reach: Reach, span: [number, number] | null): Promise<void> {
    const extent = await plan.extent(reach, span);
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
  }

  /** The last edit is about other frames. */
  async changeReach(reach: Reach): Promise<void> {
    if (!this.refuses()) await this.inTurn(() => this.changeLast(() => reach));
  }

  private async changeLast(choose: (last: LastEdit) => Reach | null | undefined): Promise<void> {
    const last = this.last.peek();
    const reach = last && choose(last);
    if (!reach || reach === last.extent.reach) return;
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
    await this.make(last.plan, reach, span);
  }

  protected nextReach(): void {
    if (this.refuses()) return;
    void this.inTurn(() =>
      this.changeLast((last) => {
        const all = last.plan.reaches.filter((reach) => reach !== "range" || this.span.peek());
        return all[(all.indexOf(last.extent.reach) + 1) % all.length];
      }),
    );
  }

  protected defaultReach(plan: Plan): Reach {
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

  protected one(): Animal | null {
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

  protected async addLost(): Promise<void> {
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

  protected cut(): void {
    const own = this.one();
    if (!own) return;
    const used = this.lanes.peek()?.lanes.map((lane) => lane.track ?? 0) ?? [];
    const free = Math.max(...used, ...this.listed.peek().map((one) => one.track), 0) + 1;
    this.nameIt(`track_${free}`);
  }

  /** The animal continues the track that was lost last, near it. */
  protected async joinLost(): Promise<void> {
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
    if (!this.refuses()) void this.inTurn(() => this.undoLast());
  }

  private undoLast(): void {
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
    if (!this.refuses()) void this.inTurn(() => this.redoLast());
  }

  private redoLast(): void {
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
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function distance(a: [number, number] | null, b: [number, number] | null): number {
  return a && b ? Math.hypot(a[0] - b[0], a[1] - b[1]) : Infinity;
}
