// `/.well-known/jwks.json`: the keys with which other services verify access tokens.
import { Controller, Get, Header } from '@nestjs/common';
import { AccessTokens } from './access-tokens.js';

@Controller('.well-known')
export class JwksController {
  constructor(private readonly tokens: AccessTokens) {}

  @Get('jwks.json')
  @Header('cache-control', 'public, max-age=300')
  jwks() {
    return this.tokens.jwks;
  }
}
