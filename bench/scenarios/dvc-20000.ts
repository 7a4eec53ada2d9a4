import { PICTURES } from '../generate/files.ts';
import { dvcFlow } from '../harness/dvc-flow.ts';
import type { Scenario } from '../harness/trial.ts';

const scenario: Scenario = dvcFlow('20,000 files of 100 KiB, beside DVC', PICTURES);

export default scenario;
