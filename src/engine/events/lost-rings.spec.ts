import { LostRings } from './lost-rings.js';

const events = (...positions: number[]) => positions.map((pos) => ({ pos }));

describe('rings that are lost', () => {
  it('are counted when the timer has looked twice since their events were found', () => {
    const lost = new LostRings();
    for (const pos of [1, 2, 3]) lost.found(pos);
    lost.tick();
    expect(lost.count).toBe(0);
    lost.tick();
    expect(lost.count).toBe(3);
    lost.tick();
    expect(lost.count).toBe(3);
  });

  it('are not those that told of an event before it was found, or a little later', () => {
    const lost = new LostRings();
    lost.rung(2, events(1, 2));
    for (const pos of [1, 2, 3, 4]) lost.found(pos);
    lost.tick();
    lost.rung(4, events(4));
    lost.rung(3, events(3));
    lost.tick();
    expect(lost.count).toBe(0);
  });

  it('are not those of a large transaction, whose ring names only its end', () => {
    const lost = new LostRings();
    for (let pos = 1; pos <= 30; pos += 1) lost.found(pos);
    lost.rung(25, []);
    lost.tick();
    lost.tick();
    expect(lost.count).toBe(5);
  });
});
