import { describe, expect, it } from "vitest";
import { type Claim, findStanding, findTakenBack, stamp } from "../source/core/claims";

const reviewed = (frame: number) => ({ kind: "reviewed" as const, video: "cage", frame });
const back = (retracts: string) => ({ kind: "retraction" as const, retracts });

describe("stamp", () => {
  it("gives ids as the server's log has them, one time for all of an action, later ones for the next", () => {
    const first = stamp([reviewed(1), reviewed(2)], "ann", 1000);
    const second = stamp([reviewed(3)], "ann", 1000);
    expect(first[0]!.id).toMatch(/^[0-9a-f]{12}-[0-9a-f]{16}$/);
    expect(first[0]!.id.slice(0, 12)).toBe(first[1]!.id.slice(0, 12));
    expect(first[0]!.time).toBe(first[1]!.time);
    expect(first[0]!.id).not.toBe(first[1]!.id);
    expect(second[0]!.id > first[1]!.id).toBe(true);
  });
});

describe("retractions", () => {
  const [claim] = stamp([reviewed(7)], "ann") as [Claim];
  const [undo] = stamp([back(claim.id)], "ann") as [Claim];
  const [redo] = stamp([back(undo.id)], "ann") as [Claim];
  const [again] = stamp([back(redo.id)], "ann") as [Claim];

  it.each([
    ["made", [claim], true],
    ["undone", [claim, undo], false],
    ["done again", [claim, undo, redo], true],
    ["undone again", [again, redo, undo, claim], false],
  ])("%s", (_, claims, holds) => {
    expect(findStanding(claims).some((one) => one.id === claim.id)).toBe(holds);
  });

  it("that take each other back in a circle end", () => {
    const a = { ...undo, id: "a", retracts: "b" } as Claim;
    const b = { ...undo, id: "b", retracts: "a" } as Claim;
    expect(findTakenBack([a, b]).size).toBeLessThanOrEqual(2);
  });
});
