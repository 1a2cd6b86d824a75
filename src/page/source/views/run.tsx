// Run: failures first, then what is at work, then how far each rule is. One button shows the plan, a second starts it.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Job, Jobs, RunPlan, RunState } from "../../types";
import { get, post } from "../api";
import { count, duration, plural } from "../core/text";
import { readOnly, runVersion, session } from "../data/session";
import { addressOf } from "../router";
import { Act, Bar, Empty, useAnswer } from "./parts";

export function RunView(): JSX.Element {
  const [tick, setTick] = useState(0);
  const { answer, fault, set } = useAnswer((abort) => get<RunState>("/api/run", abort), `${runVersion.value} ${tick}`);
  const isRunning = answer?.running ?? false;
  useEffect(() => {
    if (!isRunning) return;
    const timer = setInterval(() => setTick((own) => own + 1), 5000);
    return () => clearInterval(timer);
  }, [isRunning]);
  if (!answer)
    return (
      <Empty title="Run">
        <p class={fault ? "bad" : "soft"}>{fault ?? "reading …"}</p>
      </Empty>
    );
  return (
    <main class="page columns">
      <div class="column">
        <header class="line">
          <h1>Run</h1>
          <span class={isRunning ? "state running" : "state"}>
            {isRunning ? "running" : answer.ended ? `ended ${timeOf(answer.ended)}` : "not running"}
          </span>
          {answer.seconds_left !== null && isRunning && <span class="soft">{duration(answer.seconds_left)} left</span>}
          <span class="grow" />
          {isRunning && answer.ours && (
            <Act
              kind="danger"
              text="Stop"
              sure="Stop: work that is done stays"
              act={async () => set(await post<RunState>("/api/run/stop", {}))}
              off={readOnly.value}
            />
          )}
          {isRunning && !answer.ours && <span class="soft small">started elsewhere: it is stopped there</span>}
        </header>
        {fault && <p class="bad">{fault}</p>}
        {answer.warnings.map((one) => (
          <p class="warning" key={one}>
            {one}
          </p>
        ))}
        <Failures state={answer} set={set} />
        <JobList version={tick} />
        <Rules state={answer} />
      </div>
      <div class="column narrow">
        {!isRunning && <Planner set={set} />}
        <Output state={answer} />
      </div>
    </main>
  );
}

function timeOf(iso: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime())
    ? iso
    : date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

function Failures({ state, set }: { state: RunState; set: (state: RunState) => void }): JSX.Element | null {
  if (!state.failed.length) return null;
  return (
    <section class="card wrong">
      <h2>{plural(state.failed.length, "failure")}</h2>
      {state.failed.map((one) => (
        <details key={`${one.rule} ${one.video}`} open={state.failed.length < 3}>
          <summary>
            <b>{one.rule}</b> {one.video} <span class="bad">{one.reason}</span>
          </summary>
          <p class="small soft">
            <code>{one.log}</code> · <a href={addressOf("proofread", [one.recording, one.video])}>the recording</a>
          </p>
          <pre>{one.lines.join("\n")}</pre>
          <Act
            text="Run again"
            title="this video's pose table, and what it needs"
            act={async () => set(await post<RunState>("/api/run/again", { video: one.video }))}
            off={readOnly.value || state.running}
          />
        </details>
      ))}
    </section>
  );
}

function JobList({ version }: { version: number }): JSX.Element | null {
  const { answer } = useAnswer((abort) => get<Jobs>("/api/run/jobs", abort), `${runVersion.value} ${version}`);
  if (!answer?.slurm && !answer?.jobs.length) return null;
  return (
    <section>
      <h2>Jobs</h2>
      {answer.fault && <p class="bad">{answer.fault}</p>}
      {answer.jobs.length ? (
        <div class="table">
          <table>
            <thead>
              <tr>
                <th>Rule</th>
                <th>Of</th>
                <th>State</th>
                <th>Node</th>
                <th class="n">For</th>
                <th class="n">Left</th>
                <th>Job</th>
              </tr>
            </thead>
            <tbody>
              {answer.jobs.map((job: Job) => (
                <tr key={job.id}>
                  <td>{job.rule ?? job.name}</td>
                  <td class="name">{job.of ?? ""}</td>
                  <td title={job.reason}>
                    {job.state.toLowerCase()}{" "}
                    {job.reason && job.reason !== "None" && <span class="soft">{job.reason}</span>}
                  </td>
                  <td>{job.node ?? ""}</td>
                  <td class="n">{duration(job.elapsed_s)}</td>
                  <td class="n">{duration(job.left_s)}</td>
                  <td class="soft">{job.id}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        !answer.fault && <p class="soft">No jobs of this project are in the queue.</p>
      )}
    </section>
  );
}

function Rules({ state }: { state: RunState }): JSX.Element {
  return (
    <section>
      <h2>Work</h2>
      <p class="soft">
        {plural(state.done, "recording")} done, {count(state.at_work)} at work, {count(state.waiting)} waiting
        {state.day_bytes ? ` · ${(state.day_bytes / 1e6).toFixed(0)} MB a day recorded` : ""}
        {state.summary && (
          <>
            {" "}
            ·{" "}
            <a href="/report" target="_blank" rel="noopener">
              the report
            </a>
          </>
        )}
      </p>
      <table class="rules">
        <tbody>
          {state.rules.map((one) => (
            <tr key={one.rule}>
              <td>{one.rule}</td>
              <td class="wide">
                <Bar part={one.total ? one.done / one.total : 0} />
              </td>
              <td class="n">
                {count(one.done)} of {count(one.total)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Planner({ set }: { set: (state: RunState) => void }): JSX.Element {
  const profiles = session.value?.profiles ?? [];
  const [profile, setProfile] = useState(profiles[0] ?? "");
  const [target, setTarget] = useState("nightly");
  const [plan, setPlan] = useState<RunPlan | null>(null);
  const body = { profile, target };
  const total = plan?.jobs.reduce((sum, one) => sum + one.count, 0) ?? 0;
  return (
    <section class="card">
      <h2>Start a run</h2>
      {!profiles.length && (
        <p class="warning">
          This project has no profile, which says where jobs run: <code>poseflow init</code> makes some.
        </p>
      )}
      <div class="fields">
        <label class="field">
          <span class="soft small">where</span>
          <select
            value={profile}
            onChange={(event) => {
              setProfile(event.currentTarget.value);
              setPlan(null);
            }}
          >
            {profiles.map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          <span class="soft small">what</span>
          <select
            value={target}
            onChange={(event) => {
              setTarget(event.currentTarget.value);
              setPlan(null);
            }}
          >
            <option value="nightly">everything, with frames to label</option>
            <option value="all">everything</option>
          </select>
        </label>
      </div>
      <Act
        kind={plan ? "plain" : "main"}
        text="Show what it would do"
        off={!profile}
        act={async () => setPlan(await post<RunPlan>("/api/run/plan", body))}
      />
      {plan && (
        <>
          {plan.fault ? (
            <p class="bad">{plan.fault}</p>
          ) : (
            <p>{total ? `${plural(total, "job")}:` : "Nothing is left to be done."}</p>
          )}
          <p class="small">
            <code>{plan.command.join(" ")}</code>
          </p>
          <Act
            kind="main"
            text="Start"
            off={readOnly.value || !total || plan.fault !== null}
            act={async () => {
              set(await post<RunState>("/api/run/start", body));
              setPlan(null);
            }}
          />
          <table class="rules">
            <tbody>
              {plan.jobs.map((one) => (
                <tr key={one.rule}>
                  <td>{one.rule}</td>
                  <td class="n">{count(one.count)}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {plan.lines.length > 0 && (
            <details open={plan.fault !== null}>
              <summary class="soft">what Snakemake says</summary>
              <pre>{plan.lines.join("\n")}</pre>
            </details>
          )}
        </>
      )}
    </section>
  );
}

function Output({ state }: { state: RunState }): JSX.Element | null {
  if (!state.tail.length) return null;
  return (
    <section>
      <h2>Its window</h2>
      {state.command && (
        <p class="small soft">
          <code>{state.command.join(" ")}</code>
          {state.exit_code !== null && ` · exit ${state.exit_code}`}
        </p>
      )}
      <pre class="tail">{state.tail.join("\n")}</pre>
    </section>
  );
}
