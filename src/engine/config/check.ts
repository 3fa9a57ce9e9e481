// `npm run config:check`: exit code 0 and the effective settings, or 1 and everything that is wrong with them.
import { reportConfig } from './config-report.js';
import { readEnvironment } from './config.js';

const { valid, text } = reportConfig(readEnvironment());
(valid ? process.stdout : process.stderr).write(`${text}\n`);
process.exitCode = valid ? 0 : 1;
