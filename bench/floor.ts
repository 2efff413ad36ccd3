import type { TestNode } from "../sandbox/node/index.ts";
import { artefacts, homeOf, plainFiles, type Job } from "./job.ts";

const ROOT = "/opt/floor";

/** A here-document; the content is ours and holds no such line. */
function file(path: string, content: string): string {
  return `cat > ${path} <<'END_OF_FILE'\n${content.trimEnd()}\nEND_OF_FILE`;
}

/**
 * What the job costs at the very least: a plain script over one SSH connection that downloads, installs and starts the
 * same things, checks nothing and can't be run twice.
 */
function floorScript(job: Job): string {
  const { registry, nodeUrl, npmUrl, lock } = artefacts();
  const files = plainFiles(job, `${ROOT}/node/bin/node`, `${ROOT}/runtime`);
  const home = homeOf(job);
  const openclaw = `${ROOT}/node/bin/node ${ROOT}/runtime/node_modules/openclaw/openclaw.mjs`;
  return `set -eu
last=$(date +%s%N)
lap() { now=$(date +%s%N); echo "lap $1 $(( (now - last) / 1000000 ))"; last=$now; }
mkdir -p ${ROOT}/node/npm ${ROOT}/runtime
cd ${ROOT}
curl -fsSL ${nodeUrl} | tar xz --strip-components=1 -C node
curl -fsSL ${npmUrl} | tar xz --strip-components=1 -C node/npm
lap download
cd runtime
${file("package.json", lock.packageJson)}
${file("package-lock.json", lock.packageLock)}
export NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt PATH=${ROOT}/node/bin:$PATH
export npm_config_registry=${registry} npm_config_cache=${ROOT}/cache npm_config_update_notifier=false
node ../node/npm/bin/npm-cli.js ci --no-audit --no-fund > /dev/null
${openclaw} --version > /dev/null
lap install
useradd --create-home ${job.user}
loginctl enable-linger ${job.user}
uid=$(id -u ${job.user})
until [ -S /run/user/$uid/bus ]; do sleep 0.05; done
cat > ${ROOT}/as-user.sh <<'END_OF_SCRIPT'
set -eu
umask 077
mkdir -p .openclaw/tmp .openclaw/logs .cache .config/systemd/user workspaces .gatehouse
${file(home.configPath, files.config)}
${file(home.envFile, files.environment)}
${file(home.unitPath, files.unit)}
${file("secrets-plan.json", files.secretsPlan)}
set -a; . ${home.envFile}; set +a
export NODE_COMPILE_CACHE=${home.compileCacheDir} TMPDIR=${home.tempDir}
${openclaw} secrets apply --from secrets-plan.json --json > /dev/null
systemctl --user daemon-reload
systemctl --user --quiet enable --now openclaw-gateway.service
END_OF_SCRIPT
cd /home/${job.user}
runuser -u ${job.user} -- env HOME=/home/${job.user} XDG_RUNTIME_DIR=/run/user/$uid sh ${ROOT}/as-user.sh
lap account-and-files
tries=0
until curl -fs http://127.0.0.1:${job.port}/readyz > /dev/null; do tries=$((tries + 1)); [ $tries -lt 1200 ]; sleep 0.1; done
lap start
`;
}

export interface FloorRun {
  readonly seconds: number;
  /** Seconds by part. */
  readonly parts: Readonly<Record<string, number>>;
}

export async function runFloor(node: TestNode, job: Job): Promise<FloorRun> {
  const started = performance.now();
  const done = await node.exec("exec sudo -n sh -s", { user: "ops", stdin: floorScript(job), timeoutMs: 600_000 });
  const seconds = (performance.now() - started) / 1000;
  if (done.code !== 0) throw new Error(`the floor script failed (exit ${done.code}): ${done.stderr.slice(-500)}`);
  const laps = [...done.stdout.matchAll(/^lap (\S+) (\d+)$/gm)];
  return { seconds, parts: Object.fromEntries(laps.map(([, name = "", ms = ""]) => [name, Number(ms) / 1000])) };
}

/** Makes the node as if the floor had never run. */
export async function removeFloor(node: TestNode, job: Job): Promise<void> {
  await node.exec(
    `loginctl disable-linger ${job.user}; systemctl stop user@$(id -u ${job.user}); userdel -r ${job.user}; rm -rf ${ROOT}`,
  );
}
