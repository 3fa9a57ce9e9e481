// Unknown addresses: a page for browsers, JSON for every other client.
import { type ArgumentsHost, BadRequestException, Catch, type HttpException, NotFoundException } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import type { Request, Response } from 'express';
import { prefersHtml } from '../engine/graphql/http/endpoint.js';
import { sendDocument } from './built-page.js';
import { noSuchPage, PLAIN_POLICY } from './plain-page.js';

/** An address that cannot be decoded is a BadRequestException. */
@Catch(NotFoundException, BadRequestException)
export class NoSuchPageFilter extends BaseExceptionFilter {
  override catch(exception: HttpException, host: ArgumentsHost): void {
    if (host.getType() !== 'http') throw exception;
    const [request, response] = [
      host.switchToHttp().getRequest<Request>(),
      host.switchToHttp().getResponse<Response>(),
    ];
    response.vary('accept');
    if ((request.method === 'GET' || request.method === 'HEAD') && prefersHtml(request)) {
      sendDocument(response.status(exception.getStatus()), noSuchPage(), PLAIN_POLICY, 'no-store');
      return;
    }
    // oxlint-disable-next-line promise/valid-params -- this is no promise
    super.catch(exception, host);
  }
}
