import { main } from "./cli.ts";
import { program } from "./phases.ts";

await main(program);
