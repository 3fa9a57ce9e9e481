// For the MikroORM command line, which takes it as built: `npm run build && DATABASE_URL=… npx mikro-orm migration:list`.
import { databaseContent } from './src/database-content.js';
import { loadConfig, readEnvironment } from './src/engine/config/config.js';
import { inspectDatabase } from './src/engine/database/open-database.js';
import { ormOptions } from './src/engine/database/orm-options.js';
import { service } from './src/boot/service.js';

const { databaseUrl } = loadConfig(readEnvironment(), service);
if (!databaseUrl) throw new Error('DATABASE_URL is not set: the command line does not start the embedded database');

const { parameters } = await inspectDatabase(databaseUrl, databaseContent);

export default ormOptions(databaseUrl, databaseContent, 4, parameters);
