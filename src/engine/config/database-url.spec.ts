import { loadConfig } from './config.js';
import { reportConfig } from './config-report.js';
import { type DatabaseAddress, readDatabaseUrl } from './database-url.js';
import { service } from '../../../test/fixtures/engine-domain/service.js';

const read = (url: string): DatabaseAddress => {
  const address = readDatabaseUrl(url);
  if (typeof address === 'string') throw new Error(address);
  return address;
};

describe('DATABASE_URL', () => {
  it('without parameters is read with the defaults of PostgreSQL', () => {
    expect(read('postgresql://ada:p%40ss%2F@db.internal/tidings')).toEqual({
      host: 'db.internal',
      port: 5432,
      user: 'ada',
      password: 'p@ss/',
      database: 'tidings',
      tls: undefined,
      applicationName: '',
      options: undefined,
      connectTimeoutMs: 5_000,
    });
    expect(read('postgres:///')).toMatchObject({ host: 'localhost', user: undefined, database: undefined });
    expect(read('postgres://[::1]:6543/a%20b')).toMatchObject({ host: '::1', port: 6543, database: 'a b' });
  });

  it.each([
    ['host=/run/postgresql', { host: '/run/postgresql' }],
    ['host=%2Frun%2Fpostgresql&port=5433', { host: '/run/postgresql', port: 5433 }],
    ['user=u&password=p%26&dbname=d', { user: 'u', password: 'p&', database: 'd' }],
    ['application_name=node%201', { applicationName: 'node 1' }],
    ['options=-c%20search_path%3Dtidings', { options: '-c search_path=tidings' }],
    ['connect_timeout=2', { connectTimeoutMs: 2_000 }],
    ['target_session_attrs=read-write', {}],
    ['target_session_attrs=primary', {}],
    ['sslmode=disable', { tls: undefined }],
  ])('honours %s', (search, part) => {
    expect(read(`postgresql:///tidings?${search}`)).toMatchObject(part);
  });

  it('may have the folder of a socket as the host', () => {
    expect(read('postgresql://%2Frun%2Fpostgresql/tidings').host).toBe('/run/postgresql');
  });

  it.each([
    ['sslmode=require', { mode: 'require' }],
    ['sslmode=no-verify', { mode: 'no-verify' }],
    ['sslmode=verify-ca&sslrootcert=/ca.pem', { mode: 'verify-ca', rootCert: '/ca.pem' }],
    ['sslmode=verify-full', { mode: 'verify-full', rootCert: undefined }],
    ['sslmode=verify-full&sslrootcert=system', { mode: 'verify-full', rootCert: undefined }],
    ['sslmode=require&sslcert=/c.pem&sslkey=/k.pem', { cert: '/c.pem', key: '/k.pem' }],
    ['sslmode=require&sslnegotiation=direct', { direct: true }],
  ])('has %s honoured', (search, tls) => {
    expect(read(`postgresql://db/tidings?${search}`).tls).toMatchObject(tls);
  });

  it.each([
    ['sslmode=prefer', 'sslmode=prefer'],
    ['sslmode=allow', 'sslmode=allow'],
    ['sslmode=Require', 'sslmode'],
    ['sslmode=', 'sslmode'],
    ['SSLMODE=require', 'SSLMODE'],
    ['sslmode=require&sslmode=disable', 'sslmode twice'],
    ['sslrootcert=/ca.pem', 'sslrootcert without an sslmode'],
    ['sslmode=disable&sslcert=/c&sslkey=/k', 'sslcert without an sslmode'],
    ['sslmode=verify-ca', 'sslrootcert'],
    ['sslmode=verify-ca&sslrootcert=system', 'verify-full'],
    ['sslmode=no-verify&sslrootcert=/ca.pem', 'sslrootcert'],
    ['sslmode=verify-full&sslrootcert=ca.pem', 'absolute path as sslrootcert'],
    ['sslmode=require&sslcert=/c.pem', 'sslcert and sslkey'],
    ['sslmode=require&sslkey=/k.pem', 'sslcert and sslkey'],
    ['sslmode=require&sslnegotiation=tls', 'sslnegotiation'],
    ['sslnegotiation=direct', 'sslnegotiation without'],
    ['ssl=true', 'ssl, which is not supported: use sslmode'],
    ['sslcrl=/x', 'sslcrl'],
    ['sslpassword=s3ntinel', 'sslpassword'],
    ['channel_binding=require', 'channel_binding'],
    ['gssencmode=require', 'gssencmode'],
    ['schema=public', 'schema'],
    ['pgbouncer=true', 'pgbouncer'],
    ['connection_limit=5', 'connection_limit'],
    ['client_encoding=LATIN1', 'client_encoding'],
    ['target_session_attrs=standby', 'target_session_attrs'],
    ['target_session_attrs=read-only', 'target_session_attrs'],
    ['connect_timeout=0', 'connect_timeout'],
    ['connect_timeout=61', 'connect_timeout'],
    ['connect_timeout=1.5', 'connect_timeout'],
    ['port=0', 'port'],
    ['port=65536', 'port'],
    ['host=other', 'host twice'],
    ['s3ntinel=1', 'parameter, which is not supported'],
  ])('refuses %s by name', (search, reason) => {
    const { valid, text } = reportConfig({ DATABASE_URL: `postgresql://db/tidings?${search}` }, service);
    expect([valid, text]).toEqual([false, expect.stringContaining(`DATABASE_URL `)]);
    expect(text).toContain(reason);
    expect(text).not.toContain('s3ntinel');
  });

  it.each([
    ['postgresql://a,b/tidings', 'several hosts'],
    ['postgresql://a:1,b:2/tidings', 'must be a URL'],
    ['postgresql:///tidings?host=a,b', 'several hosts'],
    ['postgresql:///tidings?host=run/postgresql', 'absolute path'],
    ['postgresql:///tidings?host=/run&sslmode=require', 'Unix domain socket'],
    ['postgresql://db/a/b', 'one database'],
    ['postgresql://db/%zz', 'percent-encoded'],
  ])('%s is refused', (url, reason) => {
    const { valid, text } = reportConfig({ DATABASE_URL: url }, service);
    expect([valid, text]).toEqual([false, expect.stringContaining(reason)]);
  });

  it('is not rewritten in the configuration', () => {
    const url = 'postgresql://u:p%40@db/tidings?sslmode=require&application_name=a';
    expect(loadConfig({ DATABASE_URL: url }, service).databaseUrl).toBe(url);
  });
});
