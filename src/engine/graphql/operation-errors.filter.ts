// Keeps NestJS from logging what a resolver throws: the error mapper decides what is worth a line, and writes it once.
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
