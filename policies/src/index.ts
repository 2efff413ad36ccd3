import { PolicyPack } from "@pulumi/policy";
import { CATALOGUE } from "./catalogue.ts";
import { toPolicy } from "./policy.ts";

// starts the pack's server: nothing but the pack may import this file
new PolicyPack("gatehouse", { policies: CATALOGUE.map(toPolicy) });
