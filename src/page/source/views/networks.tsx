// Networks: the release in use beside the candidate, then a card a model with its curves and pictures.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Curves as CurveFacts, DecisionFacts, Model, Networks, ReleaseFacts, Training } from "../../types";
import { get, part, post } from "../api";
import { count, duration, plural } from "../core/text";
import { author, networksVersion, readOnly } from "../data/session";
import { Curves, type Series } from "./curves";
import { Act, Bar, Empty, useAnswer } from "./parts";

export function NetworksView(): JSX.Element {
  const { answer, fault, set } = useAnswer((abort) => get<Networks>("/api/networks", abort), networksVersion.value);
  if (!answer)
    return (
      <Empty title="Networks">
        <p class={fault ? "bad" : "soft"}>{fault ?? "reading …"}</p>
      </Empty>
    );
  const isEmpty = !answer.models.length && !answer.trainings.length && !answer.releases.length;
  return (
    <main class="page">
      <header class="line">
        <h1>Networks</h1>
      </header>
      {isEmpty && (
        <Empty title="No network has been trained yet">
          <p>
            <a href="/label">Label</a> some 20 frames; then a <a href="/run">run</a> trains. While it trains one can go
            on labeling: what is added joins the next training.
          </p>
        </Empty>
      )}
      <Releases networks={answer} set={set} />
      {answer.trainings.length > 0 && <h2>Trainings that are not at their end</h2>}
      {answer.trainings.map((one) => (
        <TrainingCard key={`${one.name} ${one.version}`} training={one} set={set} />
      ))}
      {answer.models.length > 0 && <h2>Models</h2>}
      <div class="cards">
        {answer.models.map((one) => (
          <ModelCard key={`${one.name} ${one.version}`} model={one} isUsed={isUsed(answer, one)} />
        ))}
      </div>
    </main>
  );
}

function isUsed(networks: Networks, model: Model): boolean {
  const own = networks.releases.find((release) => release.in_use);
  return own?.models.some((one) => one.name === model.name && one.version === model.version) ?? false;
}

function Releases({ networks, set }: { networks: Networks; set: (networks: Networks) => void }): JSX.Element | null {
  const current = networks.releases.find((one) => one.in_use);
  const candidate = networks.releases.find((one) => one.id === networks.candidate && !one.in_use);
  const others = networks.releases.filter((one) => one !== current && one !== candidate && one.can_roll_back);
  const decision = networks.decisions[0];
  if (!current && !candidate) return null;
  return (
    <section>
      <div class="cards two">
        {current && <ReleaseCard title="In use for new recordings" release={current} />}
        {candidate && (
          <ReleaseCard
            title="Candidate"
            release={candidate}
            action={
              <Act
                text="Use it"
                sure="Use it for new recordings"
                off={readOnly.value || !candidate.can_promote}
                act={async () => set(await post<Networks>("/api/networks/promote", { release: candidate.id }))}
              />
            }
          />
        )}
        {decision && <DecisionCard decision={decision} />}
      </div>
      {others.length > 0 && (
        <p class="line">
          <span class="soft">Used before:</span>
          {others.map((one) => (
            <Act
              key={one.id}
              text={`Back to ${one.id.slice(0, 8)}`}
              sure={`Use ${one.id.slice(0, 8)} again`}
              off={readOnly.value}
              act={async () => set(await post<Networks>("/api/networks/rollback", { release: one.id }))}
            />
          ))}
        </p>
      )}
    </section>
  );
}

/** Figures of releases and of models, as a person would call them. */
const METRICS: Record<string, string> = {
  map_coco: "mAP (COCO)",
  map_paper: "mAP (paper)",
  false_negative_share: "share of animals not found",
  precision: "precision",
  p50_px: "median error, px",
  p90_px: "90 % within, px",
  animals: "labeled animals",
  names: "right names",
  best_loss: "best loss",
  baseline_loss: "loss of an empty prediction",
  seconds: "trained for, s",
  train_frames: "frames to train",
  val_frames: "frames to validate",
  parameters: "parameters",
};

function Figures({ metrics }: { metrics: Record<string, number | null> | null }): JSX.Element | null {
  const known = Object.entries(metrics ?? {}).filter(([, value]) => value !== null);
  if (!known.length) return null;
  return (
    <dl class="figures small">
      {known.slice(0, 8).map(([name, value]) => (
        <div key={name}>
          <dt>{METRICS[name] ?? name.replaceAll("_", " ")}</dt>
          <dd>{Number.isInteger(value) ? count(value) : Number(value!.toPrecision(3))}</dd>
        </div>
      ))}
    </dl>
  );
}

function ReleaseCard({
  title,
  release,
  action,
}: {
  title: string;
  release: ReleaseFacts;
  action?: JSX.Element;
}): JSX.Element {
  return (
    <article class="card">
      <h3>{title}</h3>
      <p>
        <code>{release.id.slice(0, 10)}</code>{" "}
        <span class="soft">{release.models.map((one) => one.name).join(" + ")}</span>
      </p>
      <Figures metrics={release.metrics} />
      {action}
    </article>
  );
}

/** The difference between two releases on the same frames, with its interval. */
function DecisionCard({ decision }: { decision: DecisionFacts }): JSX.Element {
  const { comparison: own } = decision;
  const most = own ? Math.max(Math.abs(own.low), Math.abs(own.high), 1e-9) * 1.2 : 1;
  const at = (value: number): string => `${50 + (50 * value) / most}%`;
  return (
    <article class="card">
      <h3>Last decision</h3>
      <p>{decision.sentence || decision.reason}</p>
      {own && (
        <>
          <div
            class="interval"
            role="img"
            aria-label={`difference ${own.candidate - own.incumbent}, interval ${own.low} to ${own.high}`}
          >
            <i style={{ left: at(own.low), width: `${(50 * (own.high - own.low)) / most}%` }} />
            <b style={{ left: at(own.candidate - own.incumbent) }} />
            <u />
          </div>
          <p class="small soft tabular">
            {own.candidate.toFixed(3)} against {own.incumbent.toFixed(3)}; difference {own.low.toFixed(3)} to{" "}
            {own.high.toFixed(3)} (95 %), {plural(own.frames, "frame")} in {plural(own.blocks, "block")}
          </p>
        </>
      )}
      <p class="small soft">
        {new Date(decision.time).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" })}
      </p>
    </article>
  );
}

function useCurves(name: string, version: string, key: unknown): CurveFacts | null {
  return useAnswer((abort) => get<CurveFacts>(`/api/networks/${part(name)}/${part(version)}/curves`, abort), key)
    .answer;
}

function CurveList({ name, version, tick }: { name: string; version: string; tick: unknown }): JSX.Element | null {
  const curves = useCurves(name, version, tick);
  const epochs = curves?.columns.epoch;
  if (!curves || !epochs?.length) return <p class="soft small">no epoch is finished yet</p>;
  const pick = (want: (column: string) => boolean): Series[] =>
    Object.entries(curves.columns)
      .filter(([column, values]) => column !== "epoch" && want(column) && values.some((value) => value !== null))
      .slice(0, 6)
      .map(([column, values]) => ({ name: column.replaceAll("_", " "), values }));
  const isTotal = (column: string): boolean => /^(val_|train_|validation_)?loss$/.test(column);
  const losses = pick(isTotal);
  const scores = pick((column) => /oks|map$|pck/i.test(column));
  return (
    <div class="pair">
      {losses.length > 0 && <Curves title="loss" epochs={epochs} series={losses} best={curves.best_epoch} isLog />}
      {scores.length > 0 && (
        <Curves title="validation" epochs={epochs} series={scores} best={curves.best_epoch} isLog={false} />
      )}
    </div>
  );
}

function TrainingCard({ training, set }: { training: Training; set: (networks: Networks) => void }): JSX.Element {
  const [tick, setTick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTick((own) => own + 1), 5000);
    return () => clearInterval(timer);
  }, []);
  const path = `/api/networks/${part(training.name)}/${part(training.version)}`;
  return (
    <article class="card training">
      <header class="line">
        <h3>{training.name}</h3>
        <span class={`state ${training.state}`}>{training.stopping ? "stopping" : training.state}</span>
        {training.job && <span class="soft small">job {training.job}</span>}
        <span class="grow" />
        <Act
          text="Stop early"
          title="ends after this epoch, and keeps the best"
          off={readOnly.value || !training.can_stop || training.stopping}
          act={async () => set(await post<Networks>(`${path}/stop`, { author: author.peek() }))}
        />
        <Act
          kind="danger"
          text="Cancel"
          sure="Drop this training"
          off={readOnly.value || !training.can_stop}
          act={async () => set(await post<Networks>(`${path}/cancel`, { author: author.peek() }))}
        />
      </header>
      <div class="line">
        <Bar part={training.epoch !== null && training.epochs ? training.epoch / training.epochs : 0} />
        <span class="tabular">
          epoch {training.epoch ?? "–"} of {training.epochs ?? "–"}
          {training.best_epoch !== null && `, best ${training.best_epoch}`}
          {training.loss !== null && `, loss ${Number(training.loss.toPrecision(3))}`}
          {training.seconds_left !== null && `, at most ${duration(training.seconds_left)} left`}
        </span>
      </div>
      <CurveList name={training.name} version={training.version} tick={`${training.epoch} ${tick}`} />
      {training.log.length > 0 && <pre>{training.log.join("\n")}</pre>}
      {training.state === "running" && <p class="soft small">What is labeled meanwhile joins the next training.</p>}
    </article>
  );
}

function ModelCard({ model, isUsed: used }: { model: Model; isUsed: boolean }): JSX.Element {
  const path = `/api/networks/${part(model.name)}/${part(model.version)}`;
  return (
    <article class="card">
      <header class="line">
        <h3>{model.name}</h3>
        <span class={`state ${model.state}`}>{model.state}</span>
        {used && <span class="chip">in use</span>}
        <span class="soft small">{model.kind?.replaceAll("_", " ")}</span>
      </header>
      <p class="soft small">
        {model.epochs !== null &&
          `${plural(model.epochs, "epoch")}${model.best_epoch !== null ? `, best ${model.best_epoch}` : ""}`}
        {model.labels !== null && ` · ${plural(model.labels, "labeled frame")}`} ·{" "}
        <code>{model.version.slice(0, 8)}</code>
      </p>
      <Figures metrics={model.metrics} />
      <CurveList name={model.name} version={model.version} tick={model.epochs} />
      {model.pictures.length > 0 && (
        <div class="pictures">
          {model.pictures.slice(0, 6).map((name) => (
            <a key={name} href={`${path}/pictures/${part(name)}`} target="_blank" rel="noopener">
              <img src={`${path}/pictures/${part(name)}`} alt={name} loading="lazy" />
            </a>
          ))}
        </div>
      )}
    </article>
  );
}
