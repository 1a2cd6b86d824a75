// Label: the frame in the middle; left, the queue; right, animals and nodes. A project without labels begins here.

import { effect, signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { LabelFile, LabelFiles, RecordingList } from "../../../types";
import { get, post } from "../../api";
import { clock } from "../../core/text";
import { author, recordingsVersion } from "../../data/session";
import { Labeling } from "../../label/model";
import { addressOf, note, route, visits } from "../../router";
import { useCommands } from "../commands";
import { Empty, useAnswer } from "../parts";
import { place } from "../status";
import { Animals } from "./animals";
import { Frame, Transport } from "./frame";
import { Queue } from "./queue";
import { SkeletonEditor } from "./skeleton";

const filesVersion = signal(0);

export function LabelView(): JSX.Element {
  const { answer: files, fault } = useAnswer((signal) => get<LabelFiles>("/api/labels", signal), filesVersion.value);
  const { answer: list, fault: listFault } = useAnswer(
    (signal) => get<RecordingList>("/api/recordings", signal),
    recordingsVersion.value,
  );
  const asked = route.value.query.get("file");
  if (fault || listFault)
    return (
      <Empty title="Label">
        <p class="bad">{fault ?? listFault}</p>
      </Empty>
    );
  if (!files || !list) return <Empty title="Label" />;
  if (asked === "new" || !files.files.length) return <Start files={files} list={list} />;
  const own =
    files.files.find((one) => one.name === asked) ??
    files.files.find((one) => one.writable && one.skeleton) ??
    files.files[0]!;
  return <Open key={own.name} file={own} files={files.files} list={list} />;
}

/** Three steps to a first model. */
function Start({ files, list }: { files: LabelFiles; list: RecordingList }): JSX.Element {
  const videos = list.recordings.flatMap((row) => (row.state === "quarantined" ? [] : row.videos));
  if (!videos.length)
    return (
      <Empty title="Nothing to label yet">
        <p>
          Put recordings into the project's folder <code>videos/</code>; they are found by the next run, or at once by{" "}
          <code>poseflow doctor</code>.
        </p>
        {list.warnings.map((one) => (
          <p key={one} class="soft">
            {one}
          </p>
        ))}
      </Empty>
    );
  return (
    <SkeletonEditor
      list={list}
      videos={videos}
      files={files}
      make={async (name, skeleton, tracks) => {
        const file = await post<LabelFile>("/api/labels/create", { name, skeleton, tracks, author: author.peek() });
        note(addressOf("label", [], { file: file.name }), true);
        filesVersion.value++;
      }}
    />
  );
}

function Open({ file, files, list }: { file: LabelFile; files: LabelFile[]; list: RecordingList }): JSX.Element {
  const [model, setModel] = useState<Labeling | null>(null);
  useEffect(() => {
    const { query } = route.peek();
    const frame = Number(query.get("frame") ?? Number.NaN);
    const own = new Labeling(file, list, { video: query.get("video"), frame: Number.isFinite(frame) ? frame : null });
    setModel(own);
    return () => own.close();
  }, [file.name]);
  if (!model) return <div class="work" />;
  return <Desk model={model} files={files} />;
}

function Desk({ model, files }: { model: Labeling; files: LabelFile[] }): JSX.Element {
  useCommands((command, stroke) => model.run(command, stroke));
  useEffect(() => {
    let last = "";
    let visit = visits.peek();
    const stops = [
      effect(() => {
        const open = model.open.value;
        if (!open) return;
        place.value = {
          where: `${model.file.name} · ${open.video.name}`,
          frame: open.frame,
          frames: open.video.frames,
          time: clock(open.frame / (open.video.fps || 25)),
        };
        const address = addressOf("label", [], { file: model.file.name, video: open.video.name, frame: open.frame });
        if (address !== last) note(address, last !== "");
        last = address;
      }),
      effect(() => {
        if (visits.value === visit) return;
        visit = visits.value;
        const { view, query } = route.peek();
        const video = query.get("video");
        last = location.pathname + location.search;
        if (view === "label" && video) void model.goTo(video, Number(query.get("frame") ?? 0));
      }),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, [model]);
  return (
    <div class="work">
      <Queue model={model} files={files} />
      <div class="middle">
        <Frame model={model} />
        <Transport model={model} />
      </div>
      <Animals model={model} />
    </div>
  );
}
