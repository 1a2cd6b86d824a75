// What claims that the server has not answered yet make of the animals of a frame: an edit is seen at once, also while the
// connection is down. The server says the same of claims that it knows (poseflow.corrections.standing).

import { attach, reachOf } from "./attach";
import { type AbsenceClaim, type Claim, findStanding, type Sighting, TRACK } from "./claims";
import { type Animal, centerOf, FLAG, fromPoints } from "./poses";

/** Tracks, as the server's window has them, of the animal that a claim is about, and of the one that it continues. */
export interface Found {
  track: number | null;
  before?: number | null;
  /** A name is the first of its track, and nobody else's: it holds for the track's beginning too. */
  isFirst?: boolean;
}

interface Bearing {
  frame: number;
  /** Track as the window has it → track that is shown. */
  tracks: Map<number, number>;
  /** Track that is shown → name that was given; null: it was given to another. */
  names: Map<number, string | null>;
}

/** Claims about one video that the server's window does not hold yet. */
export class Overlay {
  private readonly byFrame = new Map<number, Claim[]>();
  private readonly paths: AbsenceClaim[] = [];
  private readonly bearings: Bearing[] = [];
  /** Claims about tracks of which it is not known yet which tracks they are about. */
  readonly unknown: Claim[] = [];
  readonly reviewed = new Set<number>();
  readonly claims: Claim[];

  /**
   * @param claims of the recording, retractions too.
   * @param video whose frames are shown.
   * @param found what is known of the tracks of claims.
   */
  constructor(claims: Iterable<Claim>, video: string, found: ReadonlyMap<string, Found>) {
    this.claims = findStanding(claims);
    const aboutTracks: Claim[] = [];
    for (const claim of this.claims) {
      if (claim.kind === "retraction") continue;
      if (claim.kind === "reviewed") {
        if (claim.video === video) this.reviewed.add(claim.frame);
        continue;
      }
      if (claim.where.video !== video) continue;
      if (claim.kind === "name" || claim.kind === "continuation") aboutTracks.push(claim);
      else if (claim.kind === "absence" && claim.path?.length) this.paths.push(claim);
      else this.byFrame.set(claim.where.frame, [...(this.byFrame.get(claim.where.frame) ?? []), claim]);
    }
    this.follow(aboutTracks, found);
  }

  /** Frames that claims are about, for the lanes. */
  get edits(): { frame: number; stop: number; kind: Claim["kind"] }[] {
    const all = this.claims.flatMap((claim) => {
      if (claim.kind === "retraction") return [];
      const frame = claim.kind === "reviewed" ? claim.frame : claim.where.frame;
      const stop = claim.kind === "absence" ? (claim.path?.at(-1)?.[0] ?? frame) + 1 : frame + 1;
      return [{ frame, stop, kind: claim.kind }];
    });
    return all;
  }

  private follow(claims: Claim[], found: ReadonlyMap<string, Found>): void {
    const tracks = new Map<number, number>();
    const names = new Map<number, string | null>();
    const known = new Set<string>();
    let before = new Map<number, number>();
    let frame = -1;
    const shown = (track: number, map: Map<number, number> = tracks): number => map.get(track) ?? track;
    const exchange = (track: number, wanted: number): void => {
      const now = shown(track);
      if (now === wanted) return;
      const other = [...tracks].find(([, value]) => value === wanted)?.[0] ?? (tracks.has(wanted) ? null : wanted);
      tracks.set(track, wanted);
      if (other !== null && other !== track) tracks.set(other, now);
    };
    const ordered = claims
      .filter((claim) => claim.kind === "name" || claim.kind === "continuation")
      .map((claim, order) => ({ claim, order }))
      .sort(
        (a, b) =>
          a.claim.where.frame - b.claim.where.frame ||
          // who continues whom comes first: a name is that of the track which the animal then has
          Number(isName(a.claim)) - Number(isName(b.claim)) ||
          a.order - b.order,
      );
    for (const { claim } of ordered) {
      const own = found.get(claim.id);
      if (own === undefined) {
        this.unknown.push(claim);
        continue;
      }
      if (own.track === null) continue;
      if (claim.where.frame !== frame) {
        before = new Map(tracks);
        frame = claim.where.frame;
      }
      let from = frame;
      if (claim.kind === "continuation") {
        if (own.before === null || own.before === undefined) continue;
        exchange(own.track, shown(own.before, before));
      } else if (!isName(claim)) {
        exchange(own.track, Number(claim.name.slice(TRACK.length)));
      } else {
        const track = shown(own.track);
        if (own.isFirst && !names.has(track) && !known.has(claim.name)) from = -1;
        for (const [other, name] of names) if (name === claim.name && other !== track) names.set(other, null);
        names.set(track, claim.name);
        known.add(claim.name);
      }
      if (from < 0) {
        const track = shown(own.track);
        for (const bearing of this.bearings) bearing.names.set(track, names.get(track) ?? null);
        if (!this.bearings.length || this.bearings[0]!.frame >= 0)
          this.bearings.unshift({ frame: -1, tracks: new Map(), names: new Map([[track, names.get(track) ?? null]]) });
      }
      const last = this.bearings.at(-1);
      if (last?.frame === frame) this.bearings.pop();
      this.bearings.push({ frame, tracks: new Map(tracks), names: new Map(names) });
    }
  }

  /** Track that is shown of one that the tables have, in a frame, and the name that was given to it. */
  bearing(track: number, frame: number): { track: number; name: string | null | undefined } {
    let low = 0;
    let high = this.bearings.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.bearings[middle]!.frame <= frame) low = middle + 1;
      else high = middle;
    }
    const own = this.bearings[low - 1];
    if (!own) return { track, name: undefined };
    const shown = own.tracks.get(track) ?? track;
    return { track: shown, name: own.names.get(shown) };
  }

  /** Frames at which tracks or names change, ascending. */
  get changes(): number[] {
    return this.bearings.map((one) => one.frame).filter((frame) => frame >= 0);
  }

  /** The animals of a frame, from those that the tables have. */
  apply(frame: number, rows: readonly Animal[], nodes: readonly string[]): Animal[] {
    if (!this.claims.length) return rows as Animal[];
    let work: Working[] = rows.map((animal) => ({
      animal: this.bear(animal),
      predicted: animal.points,
      gone: (animal.flags & FLAG.removed) !== 0,
    }));
    withoutDoubleNames(work, rows);
    for (const claim of this.paths) {
      const at = centerOfPath(claim, frame);
      const own = claim.where.animals?.[claim.where.animal ?? -1];
      if (!at || !own) continue;
      const reach = reachOf(fromPoints(own));
      const near = work
        .filter((one) => !one.gone)
        .map((one) => ({ one, distance: distanceTo(one.animal.points, at) }))
        .filter(({ distance }) => distance < reach)
        .sort((a, b) => a.distance - b.distance)[0];
      if (near) near.one.gone = true;
    }
    for (const claim of this.byFrame.get(frame) ?? []) work = takeInFrame(work, claim, frame, nodes);
    for (const { animal, gone } of work)
      animal.flags = gone ? animal.flags | FLAG.removed : animal.flags & ~FLAG.removed;
    return work.map((one) => one.animal);
  }

  private bear(animal: Animal): Animal {
    const { track, name } = this.bearing(animal.base, animal.frame);
    return { ...animal, track, name: name === undefined ? animal.name : name };
  }
}

/** Whether a claim gives an animal a name, not the number of a track. */
function isName(claim: Claim): boolean {
  return claim.kind === "name" && !/^track_\d+$/.test(claim.name);
}

interface Working {
  animal: Animal;
  predicted: Float32Array;
  gone: boolean;
}

/** A name that was given to one animal is no longer another's. */
function withoutDoubleNames(work: Working[], rows: readonly Animal[]): void {
  work.forEach(({ animal }, place) => {
    if (animal.name === null || animal.name !== rows[place]!.name) return;
    const given = work.some(
      (other, at) => at !== place && other.animal.name === animal.name && rows[at]!.name !== animal.name,
    );
    if (given) animal.name = null;
  });
}

function takeInFrame(work: Working[], claim: Claim, frame: number, nodes: readonly string[]): Working[] {
  if (claim.kind !== "points" && claim.kind !== "animal" && claim.kind !== "absence") return work;
  const seen = posesOf(claim.where, nodes);
  const pose = claim.kind === "animal" ? fromPoints(nodes.map((node) => claim.points[node] ?? null)) : null;
  if (pose) seen.push(pose);
  const meant = pose ? seen.length - 1 : (claim.where.animal ?? -1);
  const place = attach(
    seen,
    meant,
    work.map((one) => [one.predicted, one.animal.points]),
  );
  const own = work[place];
  if (!own) {
    if (claim.kind !== "animal" || !pose || place !== -1) return work;
    const edited = new Uint8Array(nodes.map((node) => (node in claim.points ? 1 : 0)));
    const scores = new Float32Array(nodes.length).fill(1);
    const added: Animal = {
      frame,
      row: -1,
      track: -1,
      base: -1,
      tracklet: -1,
      flags: FLAG.added | FLAG.waiting,
      name: claim.name ?? null,
      nameScore: 1,
      score: 1,
      points: pose,
      scores,
      edited,
      added: claim.id,
    };
    return [...work, { animal: added, predicted: pose.slice(), gone: false }];
  }
  if (claim.kind === "absence") {
    own.gone = true;
    return work;
  }
  own.gone = false;
  const { animal } = own;
  animal.points = animal.points.slice();
  animal.edited = animal.edited.slice();
  for (const [node, point] of Object.entries(claim.points)) {
    const at = nodes.indexOf(node);
    if (at < 0) continue;
    animal.points.set(point ?? [Number.NaN, Number.NaN], 2 * at);
    animal.edited[at] = 1;
  }
  if (claim.kind === "animal" && claim.name) animal.name = claim.name;
  return work;
}

/** All animals of a sighting, with the nodes that are asked for. */
export function posesOf(sighting: Sighting, nodes: readonly string[]): Float32Array[] {
  const place = nodes.map((node) => sighting.nodes.indexOf(node));
  return (sighting.animals ?? []).map((pose) => fromPoints(place.map((at) => pose[at] ?? null)));
}

/** Where a path is in a frame; null before and after it. */
export function centerOfPath(claim: AbsenceClaim, frame: number): [number, number] | null {
  const path = claim.path ?? [];
  const next = path.findIndex(([at]) => at >= frame);
  if (next < 0 || !path[0] || frame < path[0][0]) return null;
  const [f1, x1, y1] = path[next]!;
  if (f1 === frame || next === 0) return [x1, y1];
  const [f0, x0, y0] = path[next - 1]!;
  const part = (frame - f0) / (f1 - f0);
  return [x0 + part * (x1 - x0), y0 + part * (y1 - y0)];
}

function distanceTo(points: Float32Array, at: [number, number]): number {
  const center = centerOf(points);
  return center ? Math.hypot(center[0] - at[0], center[1] - at[1]) : Infinity;
}
