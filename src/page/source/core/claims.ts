// Claims as the log has them (poseflow.corrections.claims), and how the page makes them.

import type { AbsenceClaim, Claim, Sighting } from "../../types";

export type { AbsenceClaim, Claim, Sighting };
export type Point = [number, number] | null;
export type AboutAnimal = Exclude<Claim, { kind: "reviewed" | "retraction" }>;
type Made = "version" | "id" | "time" | "author";

/** What is said, without who says it and when. */
export type Saying = Claim extends infer One ? (One extends Claim ? Omit<One, Made> : never) : never;

/** Under this beginning a name means the track of that number. */
export const TRACK = "track_";

let lastMillisecond = 0;

/**
 * Claims that are made now, together: they have one time, by which they are taken back together. Ids sort by time, and
 * those of one page in the order in which they were made.
 */
export function stamp(sayings: Saying[], author: string, now = Date.now()): Claim[] {
  lastMillisecond = Math.max(now, lastMillisecond + 1);
  const time = new Date(lastMillisecond).toISOString();
  const start = lastMillisecond.toString(16).padStart(12, "0");
  return sayings.map((saying) => {
    const random = crypto.getRandomValues(new Uint8Array(8));
    const hex = [...random].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return { version: 1, id: `${start}-${hex}`, time, author, ...saying } as Claim;
  });
}

export function isAboutAnimal(claim: Claim): claim is AboutAnimal {
  return claim.kind !== "reviewed" && claim.kind !== "retraction";
}

/** Video and frame that a claim is about; null for a retraction. */
export function placeOf(claim: Claim): { video: string; frame: number } | null {
  if (claim.kind === "retraction") return null;
  return claim.kind === "reviewed" ? claim : claim.where;
}

/** Ids of claims, and retractions, that a retraction which holds takes back. */
export function findTakenBack(claims: Iterable<Claim>): Set<string> {
  const by = new Map<string, string[]>();
  for (const claim of claims) {
    if (claim.kind === "retraction") by.set(claim.retracts, [...(by.get(claim.retracts) ?? []), claim.id]);
  }
  const gone = new Map<string, boolean>();
  const isGone = (id: string, asked: Set<string>): boolean => {
    const known = gone.get(id);
    if (known !== undefined) return known;
    const retractions = (by.get(id) ?? []).filter((one) => !asked.has(one));
    const found = retractions.some((one) => !isGone(one, new Set([...asked, id])));
    gone.set(id, found);
    return found;
  };
  return new Set([...by.keys()].filter((id) => isGone(id, new Set())));
}

/** Those that nobody has taken back, by time, without the retractions. */
export function findStanding(claims: Iterable<Claim>): Claim[] {
  const all = [...claims];
  const gone = findTakenBack(all);
  return all.filter((claim) => claim.kind !== "retraction" && !gone.has(claim.id)).sort(byTime);
}

export function byTime(a: Claim, b: Claim): number {
  const order = Date.parse(a.time) - Date.parse(b.time);
  return order || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/** A claim in words, for lists and the status bar. */
export function describeClaim(claim: Claim): string {
  switch (claim.kind) {
    case "name":
      return `is ${claim.name} from frame ${claim.where.frame}`;
    case "continuation":
      return `continues frame ${claim.before.frame} from frame ${claim.where.frame}`;
    case "points":
      return `${Object.keys(claim.points).join(", ")} moved in frame ${claim.where.frame}`;
    case "animal":
      return `animal added in frame ${claim.where.frame}`;
    case "absence": {
      const last = claim.path?.at(-1)?.[0] ?? claim.where.frame;
      return last === claim.where.frame
        ? `no animal in frame ${claim.where.frame}`
        : `no animal in frames ${claim.where.frame} to ${last}`;
    }
    case "reviewed":
      return `frame ${claim.frame} seen and right`;
    case "retraction":
      return "taken back";
  }
}
