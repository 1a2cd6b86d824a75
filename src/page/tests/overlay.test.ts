import { describe, expect, it } from "vitest";
import { attach, matchPairs, NOBODY, SEVERAL } from "../source/core/attach";
import { type Claim, type Saying, stamp } from "../source/core/claims";
import {
  addAnimal,
  endOfNames,
  isFirstName,
  moveNodes,
  name,
  present,
  removeAlong,
  removeHere,
  type Scene,
  sight,
  swap,
} from "../source/core/edits";
import { type Found, Overlay } from "../source/core/overlay";
import { FLAG } from "../source/core/poses";
import { animal, NODES, pose, scene } from "./cage";

function found(claims: readonly Claim[], scenes: readonly Scene[]): Map<string, Found> {
  const track = (where: { frame: number; animal?: number | null }): number | null =>
    present(scenes.find((one) => one.frame === where.frame)!)[where.animal ?? -1]?.base ?? null;
  return new Map(
    claims.flatMap((claim): [string, Found][] => {
      if (claim.kind === "name") {
        const animals = present(scenes.find((one) => one.frame === claim.where.frame)!);
        const isFirst = isFirstName(animals, animals[claim.where.animal ?? -1], claim.name);
        return [[claim.id, { track: track(claim.where), isFirst }]];
      }
      if (claim.kind === "continuation")
        return [[claim.id, { track: track(claim.where), before: track(claim.before) }]];
      return [];
    }),
  );
}

function overlay(batches: Saying[][], scenes: Scene[]): Overlay {
  const claims = batches.flatMap((sayings) => stamp(sayings, "ann"));
  return new Overlay(claims, "cage", found(claims, scenes));
}

const tracksAt = (own: Overlay, frame: number): number[] =>
  own.apply(frame, scene(frame).animals, NODES).map((one) => one.track);
const namesAt = (own: Overlay, frame: number, names: (string | null)[]): (string | null)[] =>
  own
    .apply(frame, [animal(0, frame, { name: names[0] }), animal(1, frame, { name: names[1] })], NODES)
    .map((one) => one.name);

describe("a swap", () => {
  const [before, here] = [scene(9), scene(10)];
  const sayings = swap(here, before, here.animals[0]!, here.animals[1]!);

  it("says of each animal that it continues the other", () => {
    expect(sayings.map((one) => one.kind)).toEqual(["continuation", "continuation"]);
  });

  it("holds from its frame to the end, and not before", () => {
    const own = overlay([sayings], [before, here]);
    expect([8, 9, 10, 11, 500].map((frame) => tracksAt(own, frame))).toEqual([
      [0, 1],
      [0, 1],
      [1, 0],
      [1, 0],
      [1, 0],
    ]);
  });

  it("ends after a range", () => {
    const [last, after] = [scene(20), scene(21)];
    const end = endOfNames(
      after,
      last,
      new Map([
        [0, 1],
        [1, 0],
      ]),
    );
    const own = overlay([[...sayings, ...end]], [before, here, last, after]);
    expect([9, 10, 20, 21, 90].map((frame) => tracksAt(own, frame))).toEqual([
      [0, 1],
      [1, 0],
      [1, 0],
      [0, 1],
      [0, 1],
    ]);
  });

  it("of a swap gives back what was", () => {
    const [b2, h2] = [scene(19), scene(20)].map((one) => ({
      ...one,
      animals: [animal(0, one.frame, { track: 1 }), animal(1, one.frame, { track: 0 })],
    })) as unknown as [Scene, Scene];
    const again = swap(h2, b2, h2.animals[0]!, h2.animals[1]!);
    const own = overlay([sayings, again], [before, here, b2, h2]);
    expect([10, 19, 20].map((frame) => tracksAt(own, frame))).toEqual([
      [1, 0],
      [1, 0],
      [0, 1],
    ]);
  });

  it("of named animals exchanges their names", () => {
    const named = (frame: number): Scene =>
      scene(frame, [animal(0, frame, { name: "ada" }), animal(1, frame, { name: "bob" })]);
    const both = swap(named(10), named(9), named(10).animals[0]!, named(10).animals[1]!);
    const own = overlay([both], [named(9), named(10)]);
    expect(namesAt(own, 9, ["ada", "bob"])).toEqual(["ada", "bob"]);
    expect(namesAt(own, 12, ["ada", "bob"])).toEqual(["bob", "ada"]);
  });

  it("that is taken back is none", () => {
    const claims = stamp(sayings, "ann");
    const undone = stamp(
      claims.map((one) => ({ kind: "retraction", retracts: one.id })),
      "ann",
    );
    const own = new Overlay([...claims, ...undone], "cage", found(claims, [before, here]));
    expect(tracksAt(own, 11)).toEqual([0, 1]);
  });
});

describe("a name", () => {
  it("that is given first holds for the whole track, a later one from its frame on", () => {
    const own = overlay(
      [name(scene(10), scene(10).animals[0]!, "ada"), name(scene(30), scene(30).animals[0]!, "eve")],
      [scene(10), scene(30)],
    );
    expect([0, 10, 29, 30].map((frame) => namesAt(own, frame, [null, null])[0])).toEqual(["ada", "ada", "ada", "eve"]);
  });

  it("is one animal's alone", () => {
    const own = overlay([name(scene(10), scene(10).animals[1]!, "ada")], [scene(10)]);
    expect(namesAt(own, 10, ["ada", null])).toEqual([null, "ada"]);
  });
});

describe("points", () => {
  it("are where a person put them, in that frame alone", () => {
    const own = overlay([moveNodes(scene(5), scene(5).animals[1]!, { body: [1, 2], tail: null })], []);
    const moved = own.apply(5, scene(5).animals, NODES)[1]!;
    expect([...moved.points.slice(0, 4)]).toEqual([75, 140, 1, 2]);
    expect(moved.points[4]).toBeNaN();
    expect([...moved.edited]).toEqual([0, 1, 1]);
    expect(own.apply(6, scene(6).animals, NODES)[1]!.edited.some(Boolean)).toBe(false);
  });

  it("of two claims are both kept, the later counts for the same node", () => {
    const own = overlay(
      [
        moveNodes(scene(5), scene(5).animals[1]!, { body: [1, 2], nose: [70, 141] }),
        moveNodes(scene(5), scene(5).animals[1]!, { body: [3, 4] }),
      ],
      [],
    );
    expect([...own.apply(5, scene(5).animals, NODES)[1]!.points.slice(0, 4)]).toEqual([70, 141, 3, 4]);
  });
});

describe("an animal", () => {
  it("that is added is there, once, however often it is said", () => {
    const saying = addAnimal(scene(5), { nose: [300, 300], body: [280, 300], tail: [260, 300] }, "eve");
    const shown = overlay([saying, saying], []).apply(5, scene(5).animals, NODES);
    expect(shown.map((one) => one.name)).toEqual([null, null, "eve"]);
  });

  it("that is removed stays as a ghost, and comes back by a later claim", () => {
    const remove = removeHere(scene(5), scene(5).animals[0]!);
    const isGone = (own: Overlay): boolean => (own.apply(5, scene(5).animals, NODES)[0]!.flags & FLAG.removed) !== 0;
    expect(isGone(overlay([remove], []))).toBe(true);
    expect(isGone(overlay([remove, moveNodes(scene(5), scene(5).animals[0]!, { nose: [75, 61] })], []))).toBe(false);
  });

  it("that is removed along its way is gone in these frames, and no other animal is", () => {
    const along = [5, 6, 7, 9, 10].map((frame) => ({ scene: scene(frame), animal: scene(frame).animals[1]! }));
    const sayings = removeAlong(along);
    expect(sayings.map((one) => (one.kind === "absence" ? one.path?.map(([frame]) => frame) : null))).toEqual([
      [5, 7],
      [9, 10],
    ]);
    const own = overlay([sayings], []);
    const gone = [4, 5, 6, 7, 8, 9, 10, 11].map((frame) =>
      own.apply(frame, scene(frame).animals, NODES).map((one) => one.flags & FLAG.removed),
    );
    expect(gone).toEqual([
      [0, 0],
      [0, 2],
      [0, 2],
      [0, 2],
      [0, 0],
      [0, 2],
      [0, 2],
      [0, 0],
    ]);
  });
});

describe("attach", () => {
  const forms = (frame: number): Float32Array[][] => [0, 1].map((one) => [pose(one, frame)]);

  it("finds the animal that another release shows some pixels aside", () => {
    expect(attach([pose(0, 0), pose(1, 0)], 1, forms(4))).toBe(1);
  });

  it("finds nobody farther than half a body length", () => {
    expect(attach([pose(0, 0)], 0, forms(8))).toBe(NOBODY);
  });

  it("does not choose between two that are as near", () => {
    const twice = [[pose(0, 0)], [pose(0, 1)]];
    expect(attach([pose(0, 0.5)], 0, twice)).toBe(SEVERAL);
  });

  it("matches all at once, not each with its nearest", () => {
    expect(
      matchPairs([
        [10, 9],
        [9, 1],
      ]),
    ).toEqual([1, 0]);
    expect(matchPairs([[Number.NaN, -1]])).toEqual([-1]);
  });
});

it("a sighting holds all animals of the frame that were shown, and which of them is meant", () => {
  const gone = animal(0, 3, { flags: FLAG.removed });
  const own = scene(3, [gone, animal(1, 3)]);
  expect(sight(own, own.animals[1]!)).toMatchObject({
    frame: 3,
    animal: 0,
    nodes: NODES,
    animals: [
      [
        [69, 140],
        [49, 143],
        [29, 140],
      ],
    ],
  });
});
