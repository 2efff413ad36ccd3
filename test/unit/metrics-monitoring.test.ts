import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { METRIC_NAMES, METRICS } from "../../node/metrics/catalogue.ts";
import { promtool, promtoolIsThere } from "../promtool.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

const alertFile = z.strictObject({
  groups: z.array(
    z.strictObject({
      name: z.string(),
      rules: z.array(
        z.strictObject({
          alert: z.string(),
          expr: z.string(),
          for: z.string().optional(),
          labels: z.looseObject({ severity: z.enum(["info", "warning", "critical"]), track: z.string().optional() }),
          annotations: z.strictObject({ summary: z.string(), runbook: z.string() }),
        }),
      ),
    }),
  ),
});
const rules = alertFile.parse(parse(read("monitoring/alerts.yml"))).groups.flatMap((group) => group.rules);

/** As Grafana stores dashboards; only what this one has. */
const variable = z.looseObject({ name: z.string(), type: z.enum(["datasource", "query"]) });
const dashboardFile = z.looseObject({
  title: z.string(),
  uid: z.string().max(40),
  schemaVersion: z.int(),
  templating: z.strictObject({ list: z.array(variable) }),
  panels: z.array(
    z.looseObject({
      id: z.int(),
      type: z.enum(["stat", "timeseries", "table"]),
      title: z.string().min(1),
      description: z.string().min(1),
      datasource: z.strictObject({ type: z.literal("prometheus"), uid: z.literal("${datasource}") }),
      gridPos: z.strictObject({ x: z.int().max(23), y: z.int(), w: z.int().max(24), h: z.int() }),
      fieldConfig: z.looseObject({ defaults: z.looseObject({ unit: z.string() }) }),
      targets: z.array(z.looseObject({ refId: z.string(), expr: z.string() })).min(1),
    }),
  ),
});
const dashboard = dashboardFile.parse(JSON.parse(read("monitoring/dashboard.json")));
const panelQueries = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));

const metricsIn = (text: string): string[] => [...new Set(text.match(/\bgatehouse_[a-z_]+/g) ?? [])];

describe("the catalogue of metrics", () => {
  it("names them as Prometheus asks for", () => {
    for (const name of METRIC_NAMES) {
      const { type, help } = METRICS[name];
      expect(name).toMatch(/^gatehouse_[a-z][a-z_]*[a-z]$/);
      expect(name.endsWith("_total"), name).toBe(type === "counter");
      expect(help, name).toMatch(/^[A-Z0-9].*\.$/);
      expect(help, name).not.toMatch(/[\\\n]/);
    }
  });

  it("is the table of the documentation", () => {
    const rows = [
      ...read("docs/how-to/metrics.md").matchAll(/^\| `(gatehouse_[a-z_]+)`\s*\| (\w+)\s*\| (.*?)\s*\| (.*?)\s*\|$/gm),
    ];
    const documented = rows.map(([, name, type, labels, help]) => ({ name, type, labels, help }));
    expect(documented).toEqual(
      METRIC_NAMES.map((name) => {
        const { type, labels, help } = METRICS[name];
        return { name, type, labels: labels.map((label) => `\`${label}\``).join(", "), help };
      }),
    );
  });
});

describe("the alert rules", () => {
  it("ask for metrics that exist, and those of the two tracks never together", () => {
    for (const { alert, expr } of rules) {
      const named = metricsIn(expr);
      expect(named.length, alert).toBeGreaterThan(0);
      expect(
        named.filter((name) => !(METRIC_NAMES as readonly string[]).includes(name)),
        alert,
      ).toEqual([]);
      const tracks = named.filter((name) => /_(gateway|provider)_auth_failures_/.test(name));
      expect(tracks.length, alert).toBeLessThan(2);
    }
    expect(rules.flatMap(({ labels }) => labels.track ?? [])).toEqual(["gateway", "provider"]);
  });

  it("lead to a section of the runbook each, and every section is an alert's", () => {
    const sections = [...read("docs/runbook.md").matchAll(/^### (Gatehouse\w+)$/gm)].map(([, name]) => name);
    expect(sections).toEqual(rules.map(({ alert }) => alert));
    for (const { alert, annotations } of rules)
      expect(annotations.runbook).toBe(`docs/runbook.md#${alert.toLowerCase()}`);
  });

  it("are each tested with a series that fires and with one that must not", () => {
    const tested = read("monitoring/alerts.test.yml");
    for (const { alert } of rules) expect(tested, alert).toContain(`alertname: ${alert}\n        exp_alerts:\n`);
  });
});

describe("the dashboard", () => {
  it("asks for metrics that exist, of the nodes and gateways that were chosen", () => {
    const variables = dashboard.templating.list.map(({ name }) => name);
    expect(variables).toEqual(["datasource", "instance", "gateway"]);
    for (const query of panelQueries) {
      const named = metricsIn(query);
      expect(named.length, query).toBeGreaterThan(0);
      expect(
        named.filter((name) => !(METRIC_NAMES as readonly string[]).includes(name)),
        query,
      ).toEqual([]);
      expect(query).toContain('instance=~"$instance", gateway=~"$gateway"');
    }
  });

  it("has panels with ids of their own that do not overlap", () => {
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_cell, index) => `${x + (index % w)}/${y + Math.floor(index / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    expect(dashboard.panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
  });
});

describe.skipIf(!promtoolIsThere())("Prometheus' own checker", () => {
  it("takes the alert rules, and their tests pass", () => {
    expect(promtool(["check", "rules", join(ROOT, "monitoring/alerts.yml")])).toMatchObject({ status: 0 });
    expect(promtool(["test", "rules", join(ROOT, "monitoring/alerts.test.yml")])).toMatchObject({ status: 0 });
  });

  it("can parse every query of the dashboard", () => {
    const directory = mkdtempSync(join(tmpdir(), "gatehouse-promql-"));
    try {
      const asRules = panelQueries.map((query, index) => ({
        record: `panel:query:${index}`,
        expr: query.replaceAll("$__rate_interval", "5m"),
      }));
      const path = join(directory, "rules.yml");
      writeFileSync(path, JSON.stringify({ groups: [{ name: "panels", rules: asRules }] }));
      expect(promtool(["check", "rules", path])).toMatchObject({ status: 0 });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
