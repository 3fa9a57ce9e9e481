import { Global, Module } from '@nestjs/common';
import { PasswordQueue } from './password-queue.js';
import { Passwords } from './passwords.js';

@Global()
@Module({ providers: [PasswordQueue, Passwords], exports: [Passwords] })
export class PasswordsModule {}
