import { describe, expect, it } from "vitest";
import { readBlocks, writeBlocks } from "../source/core/blocks";
import { findPaths } from "../source/core/edits";
import { BINDINGS, commandOf, digitOf, type Stroke } from "../source/core/keys";
import { lookOf, lookOfPlace } from "../source/core/palette";
import { follow, tickStep, whole, zoom } from "../source/core/span";
import { clock, count, duration, readPlace } from "../source/core/text";
import { fit, toImage, toScreen, zoomAt } from "../source/core/view";
import { PictureCache } from "../source/player/cache";
import { Queue } from "../source/proofread/review";
import { addressOf, parse } from "../source/router";
import { findHit } from "../source/stage/draw";
import { axisOf } from "../source/views/curves";
import type { Review, ReviewItem } from "../types";

const stroke = (key: string, changes: Partial<Stroke> = {}): Stroke => ({
  key,
  code: "",
  ctrl: false,
  shift: false,
  alt: false,
  ...changes,
});

describe("keys", () => {
  it.each([
    [stroke("x"), "swap"],
    [stroke("X", { shift: true }), null],
    [stroke("ArrowRight"), "step"],
    [stroke("ArrowRight", { ctrl: true }), "jump10"],
    [stroke("ArrowRight", { alt: true }), "nextLabeled"],
    [stroke("Delete", { shift: true }), "removeTracklet"],
    [stroke("&", { code: "Digit1" }), "select"],
    [stroke("&", { code: "Digit1", ctrl: true }), "name"],
    [stroke("[", { alt: true, ctrl: false }), "rangeBegin"],
    [stroke("z", { ctrl: true }), "undo"],
    [stroke("Z", { ctrl: true, shift: true }), "redo"],
    [stroke(" "), "nextItem"],
    [stroke("Enter"), "accept"],
    [stroke("0", { ctrl: true, code: "Digit0" }), null],
  ])("%j means %s", (own, command) => expect(commandOf(own)).toBe(command));

  it("that Chromium never hands to a page are not used", () => {
    for (const key of ["t", "n", "w", "Tab"]) expect(commandOf(stroke(key, { ctrl: true }))).toBeNull();
    for (const key of ["t", "n", "w"]) expect(commandOf(stroke(key, { ctrl: true, shift: true }))).toBeNull();
  });

  it("mean one command each", () => {
    const strokes = "abcdefghijklmnopqrstuvwxyz[]?"
      .split("")
      .flatMap((key) => [stroke(key), stroke(key, { ctrl: true }), stroke(key, { alt: true })]);
    for (const own of strokes) expect(BINDINGS.filter((one) => one.match(own)).length).toBeLessThan(2);
  });

  it("reads digits where they are", () => {
    expect(digitOf(stroke("é", { code: "Digit2" }))).toBe(2);
    expect(digitOf(stroke("5", { code: "Numpad5" }))).toBe(5);
    expect(digitOf(stroke("x"))).toBeNull();
  });
});

describe("the order of review items", () => {
  const item = (id: string, errors: number, state: "open" | "answered" = "open"): ReviewItem => ({
    id,
    rank: 1,
    video: "cage",
    frame: 1,
    time_s: null,
    kind: "hidden",
    tracks: [],
    identities: [],
    confidence: null,
    frames_affected: 1,
    expected_errors: errors,
    note: "",
    claim: null,
    state,
    answered_by: null,
  });
  const review = (made: string, items: ReviewItem[]): Review => ({
    recording: "cage",
    made,
    items,
    expected_errors: 0,
    total_expected_errors: 0,
    cost_s: 0,
  });

  it("stays as it was opened, whatever is answered or found anew", () => {
    const queue = new Queue(review("one", [item("a", 3), item("b", 2), item("c", 1)]));
    expect(queue.update(review("two", [item("d", 9), item("c", 1), item("a", 3, "answered")]))).toBe(true);
    expect(queue.list.map((one) => one.id)).toEqual(["a", "b", "c"]);
    expect(queue.get("a")?.state).toBe("answered");
  });

  it("leads to the next open one, and around the end", () => {
    const queue = new Queue(review("one", [item("a", 3), item("b", 2, "answered"), item("c", 1)]));
    expect(queue.next(null)?.id).toBe("a");
    expect(queue.next("a")?.id).toBe("c");
    expect(queue.next("c")?.id).toBe("a");
    queue.answer("a", "ann");
    expect(queue.next("c")).toBeNull();
  });
});

describe("blocks", () => {
  it("come back as they went", () => {
    const { head, arrays } = readBlocks<{ a: string }>(
      writeBlocks({ a: "ä" }, { x: Float32Array.of(1, Number.NaN), y: Uint8Array.of(7), z: Int32Array.of(-3) }),
    );
    expect(head).toEqual({ a: "ä" });
    expect([...arrays.x!]).toEqual([1, Number.NaN]);
    expect([arrays.y![0], arrays.z![0]]).toEqual([7, -3]);
  });

  it("of another form are refused", () => expect(() => readBlocks(new ArrayBuffer(16))).toThrow("PFB1"));
});

describe("a path", () => {
  it("has a point in 25 frames where the animal walks straight, more where it turns, and ends where it is not", () => {
    const straight = Array.from({ length: 60 }, (_, at) => ({ frame: at, x: at, y: 0 }));
    expect(findPaths(straight)[0]!.map(([frame]) => frame)).toEqual([0, 25, 50, 59]);
    const turning = straight.map((one) => ({ ...one, y: one.frame < 10 ? 0 : 5 * (one.frame - 10) }));
    expect(findPaths(turning)[0]!.map(([frame]) => frame)).toContain(10);
    expect(
      findPaths([
        { frame: 3, x: 1, y: 1 },
        { frame: 9, x: 1, y: 1 },
      ]),
    ).toEqual([[[3, 1, 1]], [[9, 1, 1]]]);
  });
});

describe("the view", () => {
  it("keeps the point under the pointer where it is", () => {
    const view = zoomAt(fit({ width: 100, height: 50 }, { width: 400, height: 400 }), 3, 120, 80);
    const before = toImage(fit({ width: 100, height: 50 }, { width: 400, height: 400 }), 120, 80);
    expect(toScreen(view, ...before).map(Math.round)).toEqual([120, 80]);
  });

  it("of lanes zooms about a frame, and follows where one goes", () => {
    const all = whole(10000);
    const near = zoom(all, 0.1, 5000, 10000);
    expect(near).toEqual({ from: 4500, frames: 1000 });
    expect(follow(near, 4600, 10000)).toBe(near);
    expect(follow(near, 9999, 10000)).toEqual({ from: 9000, frames: 1000 });
    expect(tickStep(86400, 10)).toBe(10800);
  });

  it("finds the node under the pointer, of the selected animal first", () => {
    const figure = (isSelected: boolean) => ({
      points: Float32Array.of(10, 10, 30, 10),
      look: lookOfPlace(0),
      label: "",
      isSelected,
    });
    const view = { scale: 1, x: 0, y: 0 };
    expect(findHit(view, [figure(false), figure(true)], [[0, 1]], 12, 10)).toMatchObject({ figure: 1, node: 0 });
    expect(findHit(view, [figure(false)], [[0, 1]], 20, 11)).toMatchObject({ node: -1 });
    expect(findHit(view, [figure(false)], [[0, 1]], 20, 40)).toBeNull();
  });
});

describe("words", () => {
  it.each([
    [5, "5.0 s"],
    [75, "1 min 15 s"],
    [11520, "3 h 12 min"],
    [200000, "2 d 7 h"],
  ])("%d s are %s", (seconds, text) => expect(duration(seconds)).toBe(text));
  it("count in threes", () => expect(count(1234567)).toBe("1 234 567"));
  it("tell times", () =>
    expect([clock(3723.456), clock(59.999, 0), clock(90061, 0)]).toEqual(["1:02:03.46", "1:00", "1 d 1:01:01"]));
  it("read places", () =>
    expect([readPlace("12 408", 25), readPlace("1:02:03.4", 25), readPlace("x", 25)]).toEqual([12408, 93085, null]));
});

it("animals have the report's colors, dashes and a letter from the seventh on, and grey without a name among names", () => {
  expect(lookOf("bob", 5, ["ada", "bob"]).color).toBe("#e69f00");
  expect(lookOf(null, 5, ["ada"]).color).toBe("#a0a0a0");
  expect(lookOf(null, 0, []).color).toBe("#56b4e9");
  expect(lookOfPlace(6)).toMatchObject({ dashed: true, letter: "G" });
});

it("addresses lead back to where they came from, whatever the names", () => {
  const address = addressOf("proofread", ["a/b <script>", "v&1"], { frame: 12, item: "x y?", none: null });
  const route = parse(address);
  expect(route.parts).toEqual(["a/b <script>", "v&1"]);
  expect([route.query.get("frame"), route.query.get("item"), route.query.get("none")]).toEqual(["12", "x y?", null]);
  expect(parse("/nowhere").view).toBe("recordings");
});

it("the picture that is on the screen is not closed before the next one is shown", () => {
  const closed: number[] = [];
  const cache = new PictureCache(10);
  const picture = (frame: number) => ({
    frame,
    from: "packets" as const,
    bytes: 10,
    image: { close: () => closed.push(frame) } as unknown as ImageBitmap,
  });
  cache.put(picture(1), 1);
  cache.hold(cache.get(1)!);
  cache.put(picture(50), 50);
  expect([closed, cache.get(1)]).toEqual([[], null]);
  cache.hold(cache.get(50)!);
  expect(closed).toEqual([1]);
  cache.clear();
  expect(closed).toEqual([1, 50]);
});

it("pictures that are farthest from where one is are dropped first, those behind before those ahead", () => {
  const closed: number[] = [];
  const cache = new PictureCache(30);
  const put = (frame: number): void =>
    cache.put(
      { frame, from: "packets", bytes: 10, image: { close: () => closed.push(frame) } as unknown as ImageBitmap },
      100,
    );
  for (const frame of [97, 104, 100, 101]) put(frame);
  expect(closed).toEqual([97]);
  put(102);
  expect(closed).toEqual([97, 104]);
});

it("axes have a few round numbers", () => {
  expect(axisOf([0.1, 0.9], false).ticks).toEqual([0.2, 0.4, 0.6, 0.8]);
  expect(axisOf([0.001, 0.5], true).ticks).toEqual([0.001, 0.01, 0.1]);
  expect(axisOf([], true).ticks.length).toBe(2);
});
