import { defineConfig } from "vitest/config";

const project = (name: string, include: string[], options: object = {}) => ({ test: { name, include, ...options } });

export default defineConfig({
  test: {
    projects: [
      // a bound for what hangs, not for a busy machine
      project("unit", ["test/unit/**/*.test.ts"], { testTimeout: 60_000 }),
      // one fleet, previewed once, is what most of these files break
      project("policy", ["test/policy/**/*.test.ts"], { isolate: false }),
      project("component", ["test/component/**/*.test.ts"]),
      // three files at once, each with a node of its own, on two cores: a starting gateway keeps one busy, a waiting one none
      project("engine", ["test/engine/**/*.test.ts"], {
        testTimeout: 480_000,
        hookTimeout: 600_000,
        // a machine that fails ten of them fails for one reason
        bail: 10,
        maxWorkers: 3,
      }),
    ],
  },
});
