#pragma once

// The part of NCCL's C interface that is used, as its documentation has it (API, "Communicator
// Creation and Management Functions", "Collective Communication Functions", "Types"): unchanged
// since NCCL 2.4. Its own header comes only with wheels of 170 to 350 MB.

#include <cuda_runtime_api.h>

#if __has_include(<nccl.h>)
#include <nccl.h>
#else
#include <cstddef>

extern "C" {
struct ncclComm;
using ncclComm_t = ncclComm*;
struct ncclUniqueId {
  char internal[128];
};
enum ncclResult_t { ncclSuccess = 0, ncclInProgress = 7 };
enum ncclRedOp_t { ncclSum = 0 };
enum ncclDataType_t { ncclFloat32 = 7 };
ncclResult_t ncclGetUniqueId(ncclUniqueId* id);
ncclResult_t ncclCommInitRank(ncclComm_t* comm, int size, ncclUniqueId id, int rank);
ncclResult_t ncclCommDestroy(ncclComm_t comm);
ncclResult_t ncclCommAbort(ncclComm_t comm);
ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* error);
const char* ncclGetErrorString(ncclResult_t result);
ncclResult_t ncclAllReduce(const void* from, void* to, size_t count, ncclDataType_t type,
                           ncclRedOp_t operation, ncclComm_t comm, cudaStream_t stream);
}
#endif

// a LibTorch for CUDA may be without it: graphs work all the same
#pragma weak ncclGetUniqueId
#pragma weak ncclCommInitRank
#pragma weak ncclCommDestroy
#pragma weak ncclCommAbort
#pragma weak ncclCommGetAsyncError
#pragma weak ncclGetErrorString
#pragma weak ncclAllReduce
