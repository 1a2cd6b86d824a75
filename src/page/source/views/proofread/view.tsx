// Proofread: the frame in the middle; left, review items in a frozen order; right, the animals; below, a lane an animal.

import { effect } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Recording, VideoFacts } from "../../../types";
import { get, part } from "../../api";
import { clock } from "../../core/text";
import { type Place, Proofreading } from "../../proofread/model";
import { addressOf, go, note, route, visits } from "../../router";
import { useCommands } from "../commands";
import { Empty, useAnswer } from "../parts";
import { place } from "../status";
import { Animals } from "./animals";
import { Frame } from "./frame";
import { ItemList } from "./items";
import { Bottom, GoTo, Transport } from "./transport";

export function ProofreadView(): JSX.Element {
  const [name, video] = route.value.parts;
  const { answer, fault } = useAnswer<Recording | null>(
    (signal) => (name ? get<Recording>(`/api/recordings/${part(name)}`, signal) : Promise.resolve(null)),
    name,
  );
  if (!name)
    return (
      <Empty title="No recording is open">
        <p>
          Open one from <a href="/recordings">Recordings</a>: those with the most expected errors come first.
        </p>
      </Empty>
    );
  if (fault)
    return (
      <Empty title={name}>
        <p class="bad">{fault}</p>
      </Empty>
    );
  if (!answer || answer.name !== name) return <Empty title={name} />;
  const own =
    answer.videos.find((one) => one.name === video) ??
    answer.videos.find((one) => one.state === "ok") ??
    answer.videos[0];
  if (own?.state !== "ok" || !own.frames)
    return (
      <Empty title={name}>
        <p class="bad">{own?.reason ?? answer.reason ?? "This recording has no video that can be shown."}</p>
        {answer.problems.map((problem) => (
          <p key={problem}>{problem}</p>
        ))}
      </Empty>
    );
  return <Open key={`${name}/${own.name}`} recording={answer} video={own} />;
}

function placeOf(query: URLSearchParams): Place {
  const frame = Number(query.get("frame") ?? Number.NaN);
  return {
    frame: Number.isFinite(frame) ? frame : null,
    item: query.get("item"),
    stills: query.get("frames") === "stills",
  };
}

function Open({ recording, video }: { recording: Recording; video: VideoFacts }): JSX.Element {
  const [model, setModel] = useState<Proofreading | null>(null);
  useEffect(() => {
    const own = new Proofreading(recording, video, placeOf(route.peek().query));
    own.leave = (item) => go(addressOf("proofread", [recording.name, item.video], { item: item.id }));
    setModel(own);
    return () => own.close();
  }, [recording, video]);
  if (!model) return <div class="work" />;
  return <Desk model={model} />;
}

function Desk({ model }: { model: Proofreading }): JSX.Element {
  useCommands((command, stroke) => model.run(command, stroke));
  useAddress(model);
  useEffect(
    () =>
      effect(() => {
        const frame = model.player.frame.value;
        place.value = {
          frame,
          frames: model.video.frames,
          time: clock(model.timeOf(frame)),
          where: `${model.recording.name}${model.recording.videos.length > 1 ? ` · ${model.video.name}` : ""}`,
        };
      }),
    [model],
  );
  return (
    <div class="work">
      <ItemList model={model} />
      <div class="middle">
        <Frame model={model} />
        <Transport model={model} />
        <Bottom model={model} />
      </div>
      <Animals model={model} />
      {model.goingTo.value && <GoTo model={model} />}
    </div>
  );
}

/** The address says frame and item; Back goes to the item before. */
function useAddress(model: Proofreading): void {
  useEffect(() => {
    let last = model.item.peek();
    let visit = visits.peek();
    const stop = effect(() => {
      const item = model.item.value;
      const frame = model.player.playing.value ? null : model.player.frame.value;
      const asked = route.peek().query.get("frames");
      const address = addressOf("proofread", [model.recording.name, model.video.name], { frame, item, frames: asked });
      note(address, item !== last && last !== null);
      last = item;
    });
    const stopVisits = effect(() => {
      if (visits.value === visit) return;
      visit = visits.value;
      const { view, parts, query } = route.peek();
      if (view !== "proofread" || parts[0] !== model.recording.name) return;
      const { frame, item } = placeOf(query);
      last = item;
      const own = model.queue.peek().get(item);
      if (own && item !== model.item.peek()) model.openItem(own, frame);
      else if (frame !== null) model.player.seek(frame);
    });
    return () => {
      stop();
      stopVisits();
    };
  }, [model]);
}
