import { listFiles } from '../harness/digest.ts';
import { hashInWorkers } from '../harness/hash-in-workers.ts';

/** The floor of taking files over: reads and hashes every file below a folder, and prints how many there were. */
const [folder = ''] = process.argv.slice(2);
const hashes = await hashInWorkers(listFiles(folder));
process.stdout.write(`${hashes.length}\n`);
