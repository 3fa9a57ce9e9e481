// Keeps NestJS from logging the errors of resolvers: the error mapper decides which errors are logged, and logs each once.
import { type ArgumentsHost, Catch } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';

@Catch()
export class OperationErrorsFilter extends BaseExceptionFilter {
  override catch(exception: unknown, host: ArgumentsHost): void {
    if (host.getType<string>() === 'graphql') throw exception;
    // oxlint-disable-next-line promise/valid-params -- this is no promise
    super.catch(exception, host);
  }
}
