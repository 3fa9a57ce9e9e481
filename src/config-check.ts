// `npm run config:check`: prints the effective settings and exits with 0, or prints all problems and exits with 1.
import { service } from './boot/service.js';
import { reportConfig } from './engine/config/config-report.js';
import { readEnvironment } from './engine/config/config.js';

const { valid, text } = reportConfig(readEnvironment(), service);
(valid ? process.stdout : process.stderr).write(`${text}\n`);
process.exitCode = valid ? 0 : 1;
