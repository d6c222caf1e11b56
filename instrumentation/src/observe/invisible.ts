/**
 * Something of ours on an object of the host's, that the host cannot see: a private field, put there by a constructor
 * whose base returns the object. A `WeakMap` would say the same, and double what a small request costs a server, in
 * garbage collection.
 */

function givenObject(object: object): object {
  return object
}
const Given = givenObject as unknown as new (object: object) => object

/** A kind of note that can be left on objects, once on each. */
export function createInvisible<T>() {
  class Note extends Given {
    #value: T
    constructor(object: object, value: T) {
      super(object)
      this.#value = value
    }
    static read(object: object): T | undefined {
      return #value in object ? object.#value : undefined
    }
  }
  return {
    put(object: object, value: T): void {
      new Note(object, value)
    },
    read: (object: object): T | undefined => Note.read(object),
  }
}
