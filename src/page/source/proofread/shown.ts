// What is shown of one video, and what is selected of it. It knows no panels; these show its signals.

import { computed, effect, signal } from "@preact/signals";
import type { Lanes as LaneFacts, Recording, Review, ReviewItem, VideoFacts } from "../../types";
import { get, part, patiently, query } from "../api";
import { findStanding } from "../core/claims";
import type { Reach, Scene } from "../core/edits";
import { type Animal, boxOf, FLAG } from "../core/poses";
import { count, duration } from "../core/text";
import { askClaims, claimsOf, claimsVersion, watchClaims } from "../data/claims";
import { PoseStore } from "../data/poses";
import { listen, sayWhere, tell, tellFault } from "../data/session";
import { Times } from "../data/times";
import { Player } from "../player/player";
import type { Extent, Plan, Reader } from "./plans";
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

export class Shown {
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
  /** Raised to ask the view for a zoom: to animals, or to the whole frame. */
  readonly zoom = signal<{ to: "animals" | "all"; count: number }>({ to: "all", count: 0 });
  readonly goingTo = signal(false);
  readonly times: Times;
  protected readonly stops: (() => void)[] = [];
  protected readonly laneAbort: { now: AbortController | null } = { now: null };
  protected laneQuery = "";

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

  protected async open(place: Place): Promise<void> {
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

  get nodes(): readonly string[] {
    return this.poses.head?.nodes ?? this.recording.skeleton?.nodes ?? [];
  }

  /** Names that may be given, in the order of their colors and keys. */
  get names(): readonly string[] {
    return this.allNames.value;
  }

  protected readonly allNames = computed<string[]>(() => {
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

  protected sceneOf(frame: number, animals: readonly Animal[]): Scene {
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

  protected selectPlace(place: number, isMore: boolean): void {
    const own = this.listed.peek()[place];
    if (own) this.select(own, isMore);
  }

  protected toggle(what: "names" | "edges" | "animals" | "trails"): void {
    this.show.value = { ...this.show.peek(), [what]: !this.show.peek()[what] };
  }

  protected setRange(end: "begin" | "end"): void {
    const frame = this.player.frame.peek();
    const [begin, stop] = this.range.peek();
    this.range.value = end === "begin" ? [frame, stop !== null && stop < frame ? null : stop] : [begin ?? frame, frame];
  }

  protected extendRange(by: number): void {
    const frame = this.player.frame.peek();
    const [begin] = this.range.peek();
    this.player.step(by);
    this.range.value = [begin ?? frame, this.player.frame.peek()];
  }

  protected edited(by: 1 | -1): void {
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

  protected trackBegins(): void {
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

  protected laneTimer: ReturnType<typeof setTimeout> | undefined;

  refreshLanes(): void {
    clearTimeout(this.laneTimer);
    this.laneTimer = setTimeout(() => {
      const asked = /from=(\d+)&to=(\d+)&bins=(\d+)/.exec(this.laneQuery);
      if (asked) void this.askLanes(Number(asked[1]), Number(asked[2]), Number(asked[3]));
    }, 400);
  }

  protected reviewTimer: ReturnType<typeof setTimeout> | undefined;

  protected async refreshReview(): Promise<void> {
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
