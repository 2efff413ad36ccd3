// What `--policy-pack policies` loads. The engine builds nothing before it loads a pack, and a pack that it transpiles
// itself takes about 5 s to start at every run; this compiles once, and again only after a source changed.
/* global require */
/* eslint-disable @typescript-eslint/no-require-imports -- the engine require()s a pack, so this is CommonJS */
require("./build.js").buildPolicies();
require("./dist/index.js");
