import type { Plugin } from "vite";

/** The codecs are Emscripten programs whose binding layer builds small functions out of text. Our pages forbid that
 * (Content-Security-Policy without 'unsafe-eval'), and rightly: so the builders are replaced by closures that do the same,
 * word for word what Emscripten itself writes with -sDYNAMIC_EXECUTION=0. Versions are pinned; a codec that no longer holds
 * the text looked for stops the build instead of failing in front of an image. */

/** Everything the built text did: convert `this` and the arguments, call, clean up, convert the answer. */
const CLOSURE = `return function(){
  if(arguments.length!==argCount-2)throwBindingError("function "+humanName+" called with "+arguments.length+" arguments, expected "+(argCount-2));
  var destructors=needsDestructorStack?[]:null,wired=[null,null],call=[cppTargetFunc];
  if(isClassMethodFunc){wired[1]=argTypes[1].toWireType(destructors,this);call.push(wired[1])}
  for(var i=2;i<argCount;++i){wired[i]=argTypes[i].toWireType(destructors,arguments[i-2]);call.push(wired[i])}
  var rv=cppInvokerFunc.apply(null,call);
  if(needsDestructorStack)runDestructors(destructors);
  else for(var j=isClassMethodFunc?1:2;j<argTypes.length;++j)if(argTypes[j].destructorFunction!==null)argTypes[j].destructorFunction(wired[j]);
  if(returns)return argTypes[0].fromWireType(rv)
}`;

/** val::new_(…) from C++: read each argument as its type, make the object. */
const MAKE = `return function(constructor,argTypes,args){
  var given=[];
  for(var i=0;i<argCount;++i,argTypes+=4){var type=requireRegisteredType(HEAPU32[argTypes>>2],"parameter "+i);given.push(type.readValueFromPointer(args));args+=type.argPackAdvance}
  return Emval.toHandle(Reflect.construct(constructor,given))
}`;
/** The same in newer Emscripten, together with val::call(…) and val::operator(). */
const CALL = `var invokerFunction=function(obj,func,destructorsRef,args){
  var given=[],offset=0;
  for(var i=0;i<argCount;++i){given.push(types[i].readValueFromPointer(args+offset));offset+=types[i].argPackAdvance}
  var rv=kind===1?Reflect.construct(func,given):func.apply(kind===0?obj:undefined,given);
  if(!retType.isVoid)return emval_returnValue(retType,destructorsRef,rv)
}`;

const NAMED = `return Object.defineProperty(function(){"use strict";return body.apply(this,arguments)},"name",{value:name})`;

/** Older and newer Emscripten write the same thing differently. */
const REPLACED: readonly { file: RegExp; texts: readonly (readonly [string | RegExp, string])[] }[] = [
  {
    file: /codec-(charls|libjpeg-turbo-8bit)\/dist\/\w+wasm_decode\.js$/,
    texts: [
      ["return new Function(\"body\",\"return function \"+name+\"() {\\n\"+'    \"use strict\";'+\"    return body.apply(this, arguments);\\n\"+\"};\\n\")(body)", NAMED],
      ["args1.push(invokerFnBody);var invokerFunction=new_(Function,args1).apply(null,args2);return invokerFunction", CLOSURE],
      ['return new Function("requireRegisteredType","Module","valueToHandle","getMemory",functionBody)(requireRegisteredType,Module,Emval.toHandle,getMemory)', MAKE],
    ],
  },
  {
    file: /codec-openjpeg\/dist\/openjpegwasm_decode\.js$/,
    texts: [["params.push(functionBody);var invokerFunction=newFunc(Function,params)(...args)", CALL], [
      "let[args,invokerFnBody]=createJsInvoker(argTypes,isClassMethodFunc,returns,isAsync);args.push(invokerFnBody);var invokerFn=newFunc(Function,args)(...closureArgs);return createNamedFunction(humanName,invokerFn)",
      CLOSURE,
    ]],
  },
  {
    file: /codec-openjph\/dist\/openjphjs\.js$/,
    texts: [
      [/return new Function\(\s*"body",\s*"return function " \+ name[\s\S]*?\)\(body\)/, NAMED],
      [/args1\.push\(invokerFnBody\);\s*var invokerFunction = new_\(Function, args1\)\.apply\(null, args2\);\s*return invokerFunction/, CLOSURE],
    ],
  },
  {
    // The lengths of 4:2:2 and 4:2:0 are exchanged there: ultrasound stored as YBR_FULL_422 without compression stayed black.
    file: /dicom-image-loader\/dist\/esm\/imageLoader\/isColorConversionRequired\.js$/,
    texts: [["endsWith('422')", "endsWith('4:2:0')"], ["endsWith('420')", "endsWith('422')"], ["endsWith('4:2:0')", "endsWith('420')"]],
  },
];

/** The code of a codec without builders of functions; other files as they are. */
export function withoutBuilders(code: string, file: string): string {
  const rule = REPLACED.find((one) => one.file.test(file));
  if (!rule) return code;
  return rule.texts.reduce((text, [from, to]) => {
    if (typeof from === "string" ? !text.includes(from) : !from.test(text)) throw new Error(`${file}: the codec's binding layer has changed; tools/codecs.ts must follow`);
    return text.replace(from, () => to);
  }, code);
}

/** They also ask for node's fs and path before they see that they stand in a browser. */
export const codecs: Plugin = {
  name: "codecs",
  enforce: "pre",
  resolveId: (id, importer) => ((id === "fs" || id === "path") && importer?.includes("@cornerstonejs/codec-") ? "\0nothing" : null),
  load: (id) => (id === "\0nothing" ? "export default {};" : null),
  // With a query it is not the codec but a shell around it.
  transform: (code, id) => (/@cornerstonejs\/(codec-|dicom-image-loader)/.test(id) && !/[?\0]/.test(id) ? { code: withoutBuilders(code, id), map: null } : null),
};
