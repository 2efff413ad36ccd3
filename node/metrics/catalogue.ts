/** Every metric of Gatehouse: what is exposed, documented, alerted on and drawn comes from here. */

export interface Metric {
  readonly type: "counter" | "gauge";
  /** One sentence, as `# HELP`; the same for every gateway, as node_exporter demands of files that share a metric. */
  readonly help: string;
  /** Beside `gateway`, which all have. */
  readonly labels: readonly string[];
}

export const METRICS = {
  gatehouse_gateway_info: {
    type: "gauge",
    help: "What is live, always 1.",
    labels: ["environment", "generation", "openclaw_version"],
  },
  gatehouse_gateway_up: { type: "gauge", help: "1 if the gateway answers that it is ready, else 0.", labels: [] },
  gatehouse_gateway_starts_total: {
    type: "counter",
    help: "Starts of the gateway's process, by whomever.",
    labels: [],
  },
  gatehouse_gateway_restarts_total: {
    type: "counter",
    help: "Restarts by the service manager because the gateway's process ended.",
    labels: [],
  },
  gatehouse_gateway_auth_failures_total: {
    type: "counter",
    help: "Sessions that the gateway refused: wrong or missing token, device, origin. No provider is involved.",
    labels: ["reason"],
  },
  gatehouse_provider_auth_failures_total: {
    type: "counter",
    help: "Agent turns that failed because the agent's provider credential was refused or is missing.",
    labels: ["agent", "provider", "reason"],
  },
  gatehouse_provider_refused_requests_total: {
    type: "counter",
    help: "Requests that a provider answered with 401 or 403, helper calls included; OpenClaw does not log for which agent.",
    labels: ["provider", "status"],
  },
  gatehouse_credential_degraded: {
    type: "gauge",
    help: "1 if the running process lacks the credential as it was delivered, or OpenClaw reported it as unavailable, else 0.",
    labels: ["track", "agent", "provider"],
  },
  gatehouse_credential_age_seconds: {
    type: "gauge",
    help: "Seconds since the credential got the value that it has.",
    labels: ["track", "agent", "provider"],
  },
  gatehouse_credential_rotation_due_timestamp_seconds: {
    type: "gauge",
    help: "When the credential is due for rotation, as Unix time.",
    labels: ["track", "agent", "provider"],
  },
  gatehouse_certificate_not_after_timestamp_seconds: {
    type: "gauge",
    help: "When the gateway's HTTPS certificate ends, as Unix time.",
    labels: [],
  },
  gatehouse_drift_deviations: {
    type: "gauge",
    help: "What differs from the live generation, as far as the gateway's user can see it.",
    labels: ["kind"],
  },
  gatehouse_metrics_source_up: {
    type: "gauge",
    help: "1 if this source could be read in the last run, else 0: its metrics are old or missing then.",
    labels: ["source"],
  },
  gatehouse_metrics_unparsed_entries_total: {
    type: "counter",
    help: "Journal entries that could not be read, so that nothing was counted for them.",
    labels: [],
  },
  gatehouse_metrics_last_run_timestamp_seconds: {
    type: "gauge",
    help: "When these metrics were collected, as Unix time.",
    labels: [],
  },
  gatehouse_metrics_interval_seconds: {
    type: "gauge",
    help: "Seconds from one collection to the next.",
    labels: [],
  },
} as const satisfies Readonly<Record<string, Metric>>;

export type MetricName = keyof typeof METRICS;
export const METRIC_NAMES = Object.keys(METRICS) as readonly MetricName[];

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Samples by metric; a metric without samples is not exposed. */
export type Samples = Partial<Readonly<Record<MetricName, readonly Sample[]>>>;
