// The list of review items: its order is frozen when the list is opened, and stays, whatever is answered or found anew.

import type { Review, ReviewItem } from "../../types";

export class Queue {
  private order: string[] = [];
  private items = new Map<string, ReviewItem>();
  made: string | null = null;

  constructor(review: Review | null) {
    if (review) this.freeze(review);
  }

  freeze(review: Review): void {
    this.made = review.made;
    this.order = review.items.map((item) => item.id);
    this.items = new Map(review.items.map((item) => [item.id, item]));
  }

  /** Takes over what is answered now; the order stays. Tells whether another list is there to be opened. */
  update(review: Review): boolean {
    const fresh = new Map(review.items.map((item) => [item.id, item]));
    for (const id of this.order) {
      const now = fresh.get(id);
      const old = this.items.get(id)!;
      if (now) this.items.set(id, now);
      else if (review.made === this.made) this.items.set(id, { ...old, state: "answered" });
    }
    return review.made !== this.made || review.items.some((item) => !this.items.has(item.id));
  }

  get list(): ReviewItem[] {
    return this.order.map((id) => this.items.get(id)!);
  }

  get(id: string | null): ReviewItem | null {
    return id === null ? null : (this.items.get(id) ?? null);
  }

  answer(id: string, by: string): void {
    const own = this.items.get(id);
    if (own) this.items.set(id, { ...own, state: "answered", answered_by: by });
  }

  reopen(id: string): void {
    const own = this.items.get(id);
    if (own) this.items.set(id, { ...own, state: "open", answered_by: null });
  }

  /** The next open one in the order, around the end; the first where none is open at hand. */
  next(id: string | null, by: 1 | -1 = 1, onlyOpen = true): ReviewItem | null {
    const count = this.order.length;
    const here = id === null ? (by > 0 ? -1 : count) : this.order.indexOf(id);
    for (let step = 1; step <= count; step++) {
      const place = (((here + by * step) % count) + count) % count;
      const item = this.items.get(this.order[place]!)!;
      if (item.id !== id && (!onlyOpen || item.state === "open")) return item;
    }
    return null;
  }

  get open(): ReviewItem[] {
    return this.list.filter((item) => item.state === "open");
  }
}

/** Why one should look, in words. */
export const KINDS: Record<string, string> = {
  crossing: "crossed: still who they were?",
  jump: "jumped: still the same?",
  hidden: "hidden: still the same?",
  new: "new: an animal?",
  appearance: "looks like another",
  orphan: "an edit that finds no animal",
  superseded: "an edit that was contradicted",
};

export const kindOf = (kind: string): string => KINDS[kind] ?? kind;
