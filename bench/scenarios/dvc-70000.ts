import { DIGITS } from '../generate/files.ts';
import { dvcFlow } from '../harness/dvc-flow.ts';
import type { Scenario } from '../harness/trial.ts';

const scenario: Scenario = dvcFlow('70,000 files of 270 bytes, beside DVC', DIGITS);

export default scenario;
