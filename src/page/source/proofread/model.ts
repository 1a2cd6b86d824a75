// Proofreading one video: what each key does.

import { type Command, digitOf, type Stroke } from "../core/keys";
import { tell } from "../data/session";

import { Editing } from "./editing";
import { keyOf } from "./shown";

export { keyOf, type Place } from "./shown";

export class Proofreading extends Editing {
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
}
