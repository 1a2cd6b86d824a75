import { beforeEach, describe, expect, it, vi } from "vitest";
import { ServerFault, Unreachable } from "../source/api";
import { type Claim, stamp } from "../source/core/claims";
import { memoryShelf, Outbox, refused, type Shelf, trouble, waiting } from "../source/data/outbox";
import { accept, add, hide, labeled, mergeQueue, move, setTrack, suit } from "../source/label/animals";
import { addNode, EMPTY, faultOf, findSymmetries, removeNode, rename, toggleEdge } from "../source/label/skeleton";
import type { ClaimsAnswer, LabelAnimal } from "../types";

const answer: ClaimsAnswer = { cursor: "1", claims: [], taken_back: [], conflicts: [], faults: [], changed: [] };
const claim = (frame: number): Claim[] => stamp([{ kind: "reviewed", video: "cage", frame }], "ann");

describe("the outbox", () => {
  let shelf: Shelf;
  let sent: number[];
  let fault: Error | null;
  const frames = (body: unknown): number[] =>
    (body as { claims: Claim[] }).claims.map((one) => (one.kind === "reviewed" ? one.frame : -1));
  const open = (project = "/lab"): Outbox =>
    new Outbox(
      shelf,
      project,
      () => null,
      () => undefined,
      async (_, body) => {
        if (fault) throw fault;
        sent.push(...frames(body));
        return answer;
      },
    );

  beforeEach(() => {
    vi.useFakeTimers();
    shelf = memoryShelf();
    sent = [];
    fault = null;
    waiting.value = [];
    refused.value = [];
    trouble.value = null;
  });

  it("sends in order, and keeps nothing that is through", async () => {
    const box = open();
    await box.add("cage", claim(1));
    await box.add("cage", claim(2));
    await vi.runAllTimersAsync();
    expect(sent).toEqual([1, 2]);
    expect(waiting.value).toEqual([]);
    expect(await shelf.all()).toEqual([]);
  });

  it("keeps what does not get through, tries again, and sends all in order", async () => {
    const box = open();
    fault = new Unreachable("the server does not answer");
    await box.add("cage", claim(1));
    await box.add("cage", claim(2));
    await vi.advanceTimersByTimeAsync(1500);
    expect(sent).toEqual([]);
    expect(trouble.value).toContain("does not answer");
    expect((await shelf.all()).length).toBe(2);
    fault = null;
    await vi.advanceTimersByTimeAsync(20_000);
    expect(sent).toEqual([1, 2]);
    expect(trouble.value).toBeNull();
  });

  it("takes up what an earlier page left, of this project alone", async () => {
    await shelf.put({ project: "/lab", recording: "cage", claims: claim(5) });
    await shelf.put({ project: "/other", recording: "cage", claims: claim(6) });
    await open().open();
    await vi.runAllTimersAsync();
    expect(sent).toEqual([5]);
    expect((await shelf.all()).length).toBe(1);
  });

  it("sets aside what the server refuses, keeps it for a person to see, and goes on", async () => {
    const box = open();
    fault = new ServerFault(422, "invalid", "nodes must be distinct", null, 1);
    await box.add("cage", claim(1));
    await vi.advanceTimersByTimeAsync(100);
    fault = null;
    await box.add("cage", claim(2));
    await vi.advanceTimersByTimeAsync(100);
    expect(refused.value.map((one) => one.reason)).toEqual(["nodes must be distinct"]);
    expect(sent).toEqual([2]);
    expect((await shelf.all()).length).toBe(1);
    await box.dismiss(refused.value[0]!.parcel);
    expect(await shelf.all()).toEqual([]);
  });
});

describe("animals of a label", () => {
  const one: LabelAnimal = { points: [[1, 2], null], visible: [true, true], track: "ada", predicted: true, score: 0.5 };

  it("that are accepted or changed are no predictions any more", () => {
    expect(accept([one], 0)[0]).toMatchObject({ predicted: false, score: null });
    expect(move([one], 0, new Map([[1, [3, 4]]]))[0]).toMatchObject({
      predicted: false,
      points: [
        [1, 2],
        [3, 4],
      ],
    });
    expect(hide([one], 0, [0])[0]!.visible).toEqual([false, true]);
    expect(labeled([one, ...add([], [[5, 5]], 2)])).toHaveLength(1);
    expect(one.predicted).toBe(true);
  });

  it("of one frame have a track each", () => {
    const both = [accept([one], 0)[0]!, { ...accept([one], 0)[0]!, track: "bob" }];
    expect(setTrack(both, 1, "ada").map((animal) => animal.track)).toEqual([null, "ada"]);
  });

  it("that are predicted with other nodes come in the file's order", () => {
    expect(suit([one], ["a", "b"], ["b", "a", "c"])[0]!.points).toEqual([null, [1, 2], null]);
    expect(suit([one], ["a", "b"], ["c"])).toEqual([]);
  });

  it("queues keep their order when more comes", () => {
    const entry = (frame: number) => ({ video: "v", frame, state: "suggested" as const, animals: 0 });
    const merged = mergeQueue([entry(5), entry(1), entry(3)], [entry(1), entry(2), { ...entry(5), animals: 2 }]);
    expect(merged.map((own) => [own.frame, own.animals])).toEqual([
      [5, 2],
      [1, 0],
      [2, 0],
    ]);
  });
});

describe("a skeleton", () => {
  const drawn = addNode(addNode(addNode(EMPTY, [0, 0], null), [1, 1], 0), [2, 2], 1);

  it("is connected as it is clicked, and loses a node with its edges", () => {
    expect(drawn.edges).toEqual([
      [0, 1],
      [1, 2],
    ]);
    expect(removeNode(drawn, 0).edges).toEqual([[0, 1]]);
    expect(toggleEdge(toggleEdge(drawn, 2, 0), 1, 0).edges).toEqual([
      [1, 2],
      [2, 0],
    ]);
  });

  it("says what is wrong with its names", () => {
    expect(faultOf(EMPTY)).toContain("first node");
    expect(faultOf(rename(drawn, 1, " "))).toContain("needs a name");
    expect(faultOf(rename(drawn, 1, "node 1"))).toContain("node 1");
    expect(faultOf(drawn)).toBeNull();
  });

  it("knows sides by their names", () => {
    expect(findSymmetries(["nose", "left_ear", "right_ear", "earL", "earR", "paw_l", "paw_r", "tail"])).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    expect(findSymmetries(["shoulder", "collar", "l", "pearl"])).toEqual([]);
  });
});
